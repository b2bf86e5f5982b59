"""Numbers, however they are written, and those of a text that its source does not have."""

import pytest

from evaluation.numerals import numbers, strange


def test_numbers_are_one_however_they_are_written() -> None:
    assert numbers("6.0, 1,500 and 2008") == {"6", "1500", "2008"}
    assert numbers("six percent") == numbers("6 %") and numbers("1.5 billion") == numbers("1,500,000,000")
    assert numbers("version v2.0 of x4") == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("twenty-four hours", {"24"}),
        ("two hundred days", {"200"}),
        ("three hundred forty-five thousand six hundred seventy-eight", {"345678"}),
        ("a million; nineteen hundred; two thousand million", {"1000000", "1900", "2000000000"}),
        ("two hundred and fifty", {"250", "200", "50"}),  # one number or two
        ("one hundred and two hundred", {"100", "200"}),
        ("two hundred\nand\tfifty-six", {"256", "200", "56"}),
        ("sıx ſix", set()),  # letters that are like others
        ("one two sixteen, zero", {"1", "2", "16", "0"}),
        ("a man and a hundred horses", {"100"}),
    ],
)
def test_words_that_make_one_number_are_read_as_one(text, expected) -> None:
    assert numbers(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$5m, €5 mn and USD 5 millions", {"5000000"}),
        ("5m", {"5000000", "5"}),  # or metres
        ("a 401k", {"401000", "401"}),
        ("3bn and 5ms", {"3000000000", "5"}),
        ("between 5 and 6 million", {"5", "5000000", "6000000"}),
        ("from $5 to $6 million in 2008", {"5", "5000000", "6000000", "2008"}),
        ("two to three million", {"2", "2000000", "3000000"}),
    ],
)
def test_a_scale_is_read_in_letters_and_for_both_ends_of_a_range(text, expected) -> None:
    assert numbers(text) == expected


@pytest.mark.parametrize(
    ("text", "held", "found"),
    [
        ("The limit is 9 million.", "A limit of 6 million.", ["9 million"]),
        ("6.4 million dollars", "| desk | million dollars |\n| rates | 6.4 |", []),  # the scale heads the column
        ("6.4 million dollars", "| desk | 2024 ($m) |\n|---|---|\n| rates | 6.4 |", []),
        ("6.4 billion dollars", "| desk | million dollars |\n| rates | 6.4 |", ["6.4 billion"]),
        ("6.4 million dollars", "| days | million dollars |\n| 6.4 | 8 |", ["6.4 million"]),  # another column
        ("The limit is 6 million.", "6 desks share a limit of 4 million.", ["6 million"]),  # no table at all
        ("It has 6 rules.", "It has six rules.", []),
        ("24 hours, not 4", "twenty-four hours", ["4"]),
        ("200 days", "two hundred days", []),
        ("5 million", "a limit of $5m", []),
        ("$5m", "5 desks", ["5m"]),
        ("Part 2 and part 123", "parts 1,2,3", ["123"]),
        ("One rule, 1,500 lines", "1500 lines", []),
        ("since 2009", "since 2008", ["2009"]),
        ("account 1234567890123001", "account 1234567890123999", ["1234567890123001"]),
        ("9" * 40, "9" * 39 + "8", ["9" * 40]),
    ],
)
def test_numbers_without_a_source_are_found_as_they_are_written(text, held, found) -> None:
    assert [text[a:b] for a, b in strange(text, held)] == found
