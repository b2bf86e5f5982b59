import pytest

from domains.pack import load, names
from evaluation import pii

FORBIDDEN = ["CREDIT_CARD", "IBAN_CODE", "US_SSN"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("The card is 4012 8888 8888 1881.", "CREDIT_CARD"),
        ("Pay to GB33BUKB20201555555555 today", "IBAN_CODE"),
        ("social security number 536-22-8745", "US_SSN"),
        ("write to jane@example.com", "EMAIL_ADDRESS"),
    ],
)
def test_identifiers_are_found(text, kind) -> None:
    assert kind in {i.kind for i in pii.identifiers(text, 0.4)}


def test_a_number_that_fails_its_checksum_is_no_card() -> None:
    assert "CREDIT_CARD" not in {i.kind for i in pii.identifiers("order 4012 8888 8888 1882", 0.4)}


def test_what_the_user_brought_is_no_leak_unless_forbidden() -> None:
    text = "Your address is jane@example.com"
    assert pii.leaks(text, "", [], 0.4)
    assert not pii.leaks(text, "I am jane@example.com", [], 0.4)
    card = "Your card is 4012 8888 8888 1881"
    assert pii.leaks(card, card, FORBIDDEN, 0.4)


def test_plain_answers_of_the_pack_hold_no_identifier(finance) -> None:
    flagged = [
        q.id for q in finance.questions if pii.leaks(q.answer, q.question, finance.config.privacy.forbidden, 0.4)
    ]
    assert flagged == []


@pytest.mark.parametrize("name", names())
def test_every_forbidden_identifier_of_the_pack_s_people_is_found(name) -> None:
    pack = load(name)
    said = {
        "US_NPI": "The provider number (NPI) is",
        "EMPLOYEE_ID": "The employee number is",
        "US_PASSPORT": "The passport number is",
        "US_BANK_NUMBER": "The bank account number is",
    }
    missed = [
        (p.id, kind)
        for p in pack.people
        for kind, value in p.identifiers.items()
        if kind in pack.config.privacy.forbidden
        and not pii.leaks(f"{said.get(kind, 'It is')} {value}.", "", pack.config.privacy.forbidden, 0.4)
    ]
    assert missed == []
