"""The judge's training pairs: what stays true is unmarked, what does not is marked where it goes wrong."""

import random

import pytest

from evaluation import corrupt, draft, faithful, pairs
from evaluation.draft import render

TEXTS = [
    ("bank", "Meridian Shipping raised its credit limit to 9 million dollars in March 2021. The bank's board in Halden did not approve the request of Bertram Vogel. "
     "Margins increased after the audit, and clients were told on Monday. Analysts expect lower losses because the desk reduced its exposure. Employees receive training every year in Oslo and Vienna."),
    ("clinic", "The clinic admitted 42 patients with pneumonia before the winter. Nurses measured oxygen twice a day, and doctors reviewed every chart. "
     "Most patients recovered within ten days, although two were transferred to Lindau Hospital. The trial was run by Anna Keller and Piotr Nowak in Basel."),
    ("weather", "Storms closed the northern airports for three days in January 2019. Gusts above 90 knots damaged hangars near Bergen. "
     "Flights were cancelled by Norwegian carriers, and passengers waited in hotels. The office issues a warning when the wind exceeds 50 knots."),
]  # fmt: skip


@pytest.fixture(scope="module")
def texts():
    return pairs.parse(TEXTS)


@pytest.fixture(scope="module")
def around(texts):
    made = corrupt.surroundings([s for t in texts for s in t.sentences])
    made.elsewhere = texts[1].sentences[0]
    return made


def drafts(texts):
    return [draft.of(s) for t in texts for s in t.sentences]


@pytest.mark.parametrize("change", list(corrupt.CHANGES), ids=lambda c: c.__name__)
def test_a_corruption_changes_the_sentence_and_marks_what_it_changed(texts, around, change) -> None:
    seen = 0
    for own in drafts(texts):
        for seed in range(5):
            made = change(own, around, random.Random(seed))
            if made is None:
                continue
            seen += 1
            text, spans = render(made)
            assert text != render(own)[0] and spans
            wrong = "".join(text[a:b] for a, b in spans)
            assert 0 < len(wrong) < len(text)
            assert all(0 <= a < b <= len(text) for a, b in spans)
    assert seen > 3, f"{change.__name__} found nothing to change in {len(drafts(texts))} sentences"


@pytest.mark.parametrize("change", [faithful.shortened, faithful.reworded, faithful.rewritten_numbers, faithful.opened])
def test_a_faithful_change_marks_nothing(texts, change) -> None:
    changed = 0
    for own in drafts(texts):
        for seed in range(8):
            made = change(own, random.Random(seed))
            assert render(made)[1] == []
            changed += render(made)[0] != render(own)[0]
    assert changed or change is faithful.rewritten_numbers  # no text here has a percentage


def test_a_negation_is_never_dropped(texts) -> None:
    own = next(d for d in drafts(texts) if "not" in [w.text for w in d])
    assert all("not" in render(faithful.shortened(own, random.Random(seed)))[0] for seed in range(50))


def test_the_same_seed_gives_the_same_pairs(texts) -> None:
    assert pairs.make(texts, 60, 3) == pairs.make(texts, 60, 3) != pairs.make(texts, 60, 4)


def test_every_kind_is_made_and_half_is_true(texts) -> None:
    made = pairs.make(texts, 1500, 0)
    assert {p.kind for p in made} == set(pairs.SHARES)
    assert 0.35 < sum(p.grounded for p in made) / len(made) < 0.6
    assert all(p.grounded == (p.kind == "faithful") for p in made if p.kind in ("faithful", "corrupted", "talk"))
    assert all(p.claim[a:b] for p in made for a, b in p.spans)


def test_a_bereft_claim_is_marked_where_no_other_sentence_says_it(texts) -> None:
    for p in [p for p in pairs.make(texts, 1500, 0) if p.kind == "bereft"]:
        assert p.claim not in p.context
        assert not any(p.claim[a:b].lower() in p.context.lower().split() for a, b in p.spans)


def test_pairs_are_written_whole(texts, tmp_path) -> None:
    import pandas as pd

    made = pairs.make(texts, 100, 0)
    rows = pd.read_parquet(pairs.write(made, tmp_path / "pairs.parquet"))
    assert rows["claim"].tolist() == [p.claim for p in made] and rows["grounded"].tolist() == [p.grounded for p in made]
    assert [tuple(map(tuple, s)) for s in rows["spans"]] == [tuple(p.spans) for p in made]
