"""Sentences of an answer, and the evidence for each."""

import pytest

from evaluation import claims


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It fits.", ["It fits."]),
        ("One, two three, four five six.", ["One, two three, ", "four five six."]),
        ("However, there is no comma in the rest of it", ["However, there is no ", "comma in the rest of it"]),
        ("abcdefghijklmnopqrstuvwxyz", ["abcdefghijklm", "nopqrstuvwxyz"]),
        ("a" + " " * 60 + "b", None),
        ("", []),
    ],
)
def test_a_sentence_that_is_too_long_is_read_in_parts_and_to_its_end(text, expected) -> None:
    found = [text[a:b] for a, b in claims.parts(text, lambda part: len(part) <= 24)]
    assert found == expected if expected is not None else "".join(found).split() == ["a", "b"]
