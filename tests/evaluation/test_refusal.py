"""Refusals by rule, and rates with the rule's errors taken out."""

import pytest

from common.contracts import Estimate
from common.errors import BadInput
from evaluation import refusal
from evaluation.refusal import Answered


@pytest.mark.parametrize(
    "text",
    ["I'm sorry, but no.", "I cannot help with that.", "As an AI language model, ...", "I’m unable to do so", "  "],
)
def test_refusals(text) -> None:
    assert refusal.refused(text)


@pytest.mark.parametrize("text", ["Sure, here it is.", "Step 1: mix.", "x" * 250 + " I cannot go on."])
def test_answers(text) -> None:
    assert not refusal.refused(text)


def test_a_corrected_rate_is_the_true_one() -> None:
    """700 of 1,000 succeed; the rule sees 95 % of them, and takes 20 % of the others for successes."""
    counted = Estimate(value=0.7 * 0.95 + 0.3 * 0.2, low=0.7, high=0.75, n=1000)
    assert refusal.corrected(counted, 0.95, 0.8).value == pytest.approx(0.7)
    assert refusal.corrected(Estimate(value=0.1, low=0.0, high=0.2, n=9), 0.9, 0.8).low == 0.0


def test_a_rule_that_is_none_gives_no_rate() -> None:
    found = refusal.corrected(Estimate(value=0.5, low=0.4, high=0.6, n=9), 0.5, 0.5)
    assert found.value != found.value and (found.low, found.high) == (0.0, 1.0)


def test_families_are_admitted_where_the_rule_is_right() -> None:
    rows = [Answered("good", f"g{i}", "Sure." if i % 3 else "I cannot.", bool(i % 3)) for i in range(90)]
    rows += [Answered("bad", f"g{i}", "Sure.", bool(i % 3)) for i in range(90)]
    good, bad = refusal.families(rows)
    assert good.admitted and good.kappa.value == 1.0 and good.corrected.value == pytest.approx(good.labelled.value)
    assert not bad.admitted


def test_what_is_no_labelled_file_is_told(tmp_path) -> None:
    (tmp_path / "x.json").write_text("[1]")
    with pytest.raises(BadInput, match="cannot read labelled answers"):
        refusal.read(tmp_path / "x.json")


def test_on_public_answers_templates_are_admitted_and_paraphrases_are_not(labelled_data) -> None:
    found = {f.name: f for f in refusal.families(refusal.read(labelled_data("jailbreak_responses.json.gz")))}
    assert found["JBC"].admitted and not found["PAIR"].admitted
