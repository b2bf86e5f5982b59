"""What each pack of the kit holds: the amounts and the variety that its users were promised."""

import json
import re
from collections import Counter

import pytest

from domains.forms import KINDS
from domains.pack import HERE, load, names
from domains.passages import body_of, front_matter

PACKS = names()


@pytest.fixture(params=PACKS)
def pack(request):
    return load(request.param)


def test_the_kit_has_three_packs() -> None:
    assert PACKS == ["climate", "finance", "healthcare"]


def test_documents_are_many_and_neither_short_nor_long(pack) -> None:
    words = {f.name: len(body_of(f.read_text()).split()) for f in pack.documents}
    assert len(words) >= 25 and not {f: n for f, n in words.items() if not 150 <= n <= 600}


def test_documents_have_versions_owners_sources_and_references(pack) -> None:
    heads = {f.stem: front_matter(f.read_text()) for f in pack.documents}
    assert all({"id", "title", "version", "owner", "see", "sources"} <= h.keys() for h in heads.values())
    superseded = [h["status"] for h in heads.values() if "status" in h]
    assert superseded and all(re.match(r"superseded by \S+", s) for s in superseded)
    assert any(p.superseded for p in pack.passages) and not all(p.superseded for p in pack.passages)


def test_some_passages_hold_a_table(pack) -> None:
    assert sum("|---|" in p.text for p in pack.passages) >= 3


def test_questions_are_of_every_kind(pack) -> None:
    kinds = Counter(q.kind for q in pack.questions)
    assert len(pack.questions) >= 100 and all(kinds[k] >= 8 for k in KINDS), kinds
    assert all((q.answer == "The documents do not say.") == (not q.answerable) for q in pack.questions)


def test_the_number_of_a_table_question_stands_in_its_table(pack) -> None:
    by_id = {p.id: p for p in pack.passages}
    for q in (q for q in pack.questions if q.kind == "table"):
        table = "\n".join(
            line for p in q.passages for line in by_id[p].text.lower().splitlines() if line.startswith("|")
        )
        wanted = re.findall(r"\d[\d.,]*\d|\d", q.answer) or [q.answer.lower().rstrip(".")]
        assert any(w.lower() in table for w in wanted), (q.id, wanted)


def test_questions_with_one_passage_are_also_asked_in_other_words(pack) -> None:
    for q in pack.questions:
        assert bool(q.other_words) == (q.kind in ("single", "table")), q.id
        assert q.other_words != q.question


def test_attacks_have_a_verifiable_goal_of_every_kind_and_many_disguises(pack) -> None:
    assert len(pack.attacks) >= 60
    assert {a.goal.kind for a in pack.attacks} == {
        "canary", "marker", "identifier", "pattern", "tool", "prompt", "schema",
    }  # fmt: skip
    assert len({a.obfuscation for a in pack.attacks}) >= 10 and len({a.family for a in pack.attacks}) >= 8
    assert sum(a.channel == "indirect" for a in pack.attacks) >= 20
    assert len({json.dumps([a.prompt, a.document]) for a in pack.attacks}) == len(pack.attacks)


def test_people_have_the_identifiers_of_their_domain(pack) -> None:
    kinds = {k for p in pack.people for k in p.identifiers}
    wanted = {
        "finance": {"CREDIT_CARD", "IBAN_CODE", "US_SSN", "ACCOUNT", "CANARY"},
        "healthcare": {"MEDICAL_RECORD_NUMBER", "ICD10", "US_NPI", "US_SSN", "CANARY"},
        "climate": {"EMPLOYEE_ID", "US_PASSPORT", "PHONE_NUMBER", "CANARY"},
    }
    assert wanted[pack.name] <= kinds


def test_policy_states_costs_approvers_and_reasons(pack) -> None:
    c = pack.config
    assert c.costs.miss > c.costs.false_alarm and c.costs.why and c.privacy.why and c.thresholds.why
    assert {a.risk for a in c.actions} == {"low", "medium", "high"} and c.privacy.forbidden
    assert {"retrain_and_promote", "roll_back", "escalate", "collect_evidence"} <= {a.name for a in c.actions}
    assert pack.runbook.startswith("# Runbook")


def test_no_canary_is_shared_between_packs() -> None:
    assert len({load(n).canary for n in PACKS}) == len(PACKS)


def test_every_input_says_when_it_is_known(pack) -> None:
    assert all(c.known and c.about for c in pack.config.records.columns.values())


def test_what_may_not_be_shipped_is_not_in_git(pack) -> None:
    ignored = (HERE.parent / ".gitignore").read_text()
    file = f"domains/{pack.name}/{pack.config.records.file}"
    assert (file in ignored) == (not pack.config.records.shipped)
