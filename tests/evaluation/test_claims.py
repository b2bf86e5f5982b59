"""Sentences of an answer, and the evidence for each."""

import pytest

from evaluation import claims
from evaluation.numerals import digits, numbers, strange


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith paid $3.5 million to U.K. activists. He left at 8 a.m. on Monday.", 2),
        ("- one item\n- another item e.g. this\n\n", 2),
        ("It fell 3.2%! Did it? Yes", 3),
        ("...", 0),
        ("", 0),
    ],
)
def test_sentences_end_where_people_end_them(text, expected) -> None:
    found = claims.sentences(text)
    assert len(found) == expected
    assert all(text[s.start : s.end] == s.text for s in found)


def test_short_passages_are_read_whole() -> None:
    assert claims.evidence("anything", ["One.", "Two."], 10) == "One.\nTwo."


def test_the_evidence_holds_the_sentence_that_proves_the_claim() -> None:
    filler = [f"Item {i} was counted by the desk on day {i}." for i in range(60)]
    proof = "The credit limit of Meridian Shipping is nine million dollars."
    found = claims.evidence(
        "Meridian Shipping has a limit of nine million.", [" ".join([*filler[:40], proof, *filler[40:]])], 60
    )
    assert proof in found and len(found.split()) <= 60


def test_two_facts_of_one_claim_are_both_looked_for() -> None:
    """The second sentence is chosen for what the first one lacks, not for repeating it."""
    repeats = ["Meridian Shipping is a client of the desk."] * 10
    other = "Its rating was cut in March by Halden."
    found = claims.evidence(
        "Meridian Shipping, a client of the desk, was cut by Halden.", [" ".join([*repeats, other])], 20
    )
    assert "Halden" in found and "Meridian" in found


def test_one_sentence_longer_than_the_budget_is_kept_all_the_same() -> None:
    long = " ".join(["word"] * 50 + ["Meridian."])
    assert "Meridian" in claims.evidence("Meridian", [f"{long} Nothing else here."], 10)


def test_numbers_are_one_however_they_are_written() -> None:
    assert numbers("6.0, 1,500 and 2008") == {"6", "1500", "2008"}
    assert numbers("six percent") == numbers("6 %") and numbers("1.5 billion") == numbers("1,500,000,000")
    assert numbers("version v2.0 of x4") == set()
    assert digits("one of the 3 rules") == {"3"}


@pytest.mark.parametrize(
    ("text", "held", "found"),
    [
        ("The limit is 9 million.", "A limit of 6 million.", ["9 million"]),
        ("6.4 million dollars", "| desk | million dollars |\n| rates | 6.4 |", []),  # the scale heads the column
        ("6.4 billion dollars", "| desk | million dollars |\n| rates | 6.4 |", ["6.4 billion"]),
        ("It has 6 rules.", "It has six rules.", []),
        ("One rule, 1,500 lines", "1500 lines", []),
        ("since 2009", "since 2008", ["2009"]),
    ],
)
def test_numbers_without_a_source_are_found_as_they_are_written(text, held, found) -> None:
    assert [text[a:b] for a, b in strange(text, held)] == found
