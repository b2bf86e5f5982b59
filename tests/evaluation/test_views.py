import pytest

from evaluation import views
from evaluation.disguise import DISGUISES

MAIL = "jane@example.com"


def names(text: str) -> dict[str, str]:
    return dict(views.views(text))


def test_a_plain_text_is_read_as_it_stands_first() -> None:
    name, reading = next(views.views("plain text"))
    assert (name, reading) == ("raw", "plain text")
    assert "normalised" not in names("plain text") and "joined" not in names("plain text")


def test_no_reading_comes_twice() -> None:
    readings = [reading for _, reading in views.views("Caf\u00e9: j a n e @ e x a m p l e . c o m, 5 3 6 2 2 8 7 4 5")]
    assert len(readings) == len(set(readings))


@pytest.mark.parametrize(
    "text",
    [
        "ja\u200bne@exam\u00adple.com",
        "j\u0430ne@example.com",
        "\uff4aane\uff20example\uff0ecom",
        "j\u0301ane@example.com",
    ],
)
def test_what_is_not_seen_is_taken_away(text) -> None:
    assert views.normalised(text) == MAIL


@pytest.mark.parametrize("dash", "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d")
def test_every_dash_is_read_as_one(dash) -> None:
    assert views.normalised(f"536{dash}22{dash}8745") == "536-22-8745"


@pytest.mark.parametrize(
    "text",
    [
        "jane [at] example [dot] com",
        "jane(at)example.com",
        "jane {AT} example {DOT} com",
        "jane at example dot com",
        "jane<at>example(.)com",
    ],
)
def test_an_address_with_its_signs_written_out_is_read(text) -> None:
    assert views.addresses(f"write to {text}, please") == f"write to {MAIL}, please"


@pytest.mark.parametrize(
    "text", ["look at the dot com boom", "we met at noon. Dot was there", "at 5 dot 3", "arrays [at] hand"]
)
def test_ordinary_words_stay_words(text) -> None:
    assert views.addresses(text) == text


@pytest.mark.parametrize(
    ("apart", "closed"),
    [
        ("5 3 6 - 2 2 - 8 7 4 5", "536-22-8745"),
        ("5-3-6---2-2---8-7-4-5", "536-22-8745"),
        ("j a n e @ e x a m p l e . c o m", MAIL),
        ("c a r d   4 0 1 2", "card 4012"),
        ("4, 0, 1, 2, 8, 8, 8, 8, 8", "401288888"),
        ("a table of 1 2 3 rows", "a table of 1 2 3 rows"),
        ("x - y is a difference", "x - y is a difference"),
    ],
)
def test_signs_that_stand_apart_are_closed_up(apart, closed) -> None:
    assert views.joined(apart) == closed


@pytest.mark.parametrize("how", sorted(set(DISGUISES) - {"leet", "morse"}))
def test_an_address_comes_out_of_every_disguise(how) -> None:
    """Leet spells the digits of some other word, and Morse has no sign for @."""
    disguised = DISGUISES[how](f"it is {MAIL} now")
    assert any(MAIL in reading for reading in names(disguised).values())
