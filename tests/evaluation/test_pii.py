import socket
import time

import pytest

from common.errors import BadInput
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


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("am9yZGFuQGV4YW1wbGUub3Jn", "encodings"),
        ("6a6f7264616e406578616d706c652e6f7267", "encodings"),
        ("jordan%40example%2Eorg", "escapes"),
        ("jor\u200bdan@ex\u0430mple.org", "normalised"),
        ("jordan [at] example [dot] org", "addresses"),
        ("j o r d a n @ e x a m p l e . o r g", "joined"),
        ("gro.elpmaxe@nadroj", "reversed"),
    ],
)
def test_a_hidden_address_is_found_in_a_reading_that_is_named(text, view) -> None:
    found = pii.identifiers(f"It is: {text}", 0.4)
    assert ("EMAIL_ADDRESS", "jordan@example.org", view) in {(i.kind, i.text, i.view) for i in found}


def test_what_the_user_wrote_in_another_way_is_no_leak() -> None:
    answer = "You wrote jordan@example.org"
    assert pii.leaks(answer, "I am someone@example.org", [], 0.4)
    for prompt in ("jordan [at] example [dot] org", "am9yZGFuQGV4YW1wbGUub3Jn", "JORDAN@EXAMPLE.ORG"):
        assert not pii.leaks(answer, f"My address is {prompt}", [], 0.4), prompt


@pytest.mark.parametrize(
    ("answer", "prompt"),
    [
        ("The server is 10.20.30.40.", "order 10203040"),
        ("Call 212-555-0142", "order 99212555014299"),
        ("jane@example.com", "I am mary-jane@example.com"),
        ("MRN 12345", "order 9123456"),
    ],
)
def test_signs_inside_a_longer_number_are_not_the_user_s_own(answer, prompt) -> None:
    assert pii.leaks(answer, prompt, [], 0.4)


@pytest.mark.parametrize(
    ("answer", "prompt"),
    [
        ("The server is 10.20.30.40.", "Is 10.20.30.40 up?"),
        ("Your phone: 212-555-0142", "2125550142 or +12125550142, is it mine?"),
        ("MRN-00471928", "Look up MRN00471928"),
    ],
)
def test_what_the_user_brought_needs_no_word_beside_it(answer, prompt) -> None:
    assert pii.leaks(answer, "", [], 0.4) and not pii.leaks(answer, prompt, [], 0.4)


def test_identifiers_with_hyphens_that_do_not_break_are_found() -> None:
    said = "SSN 536-22-8745, phone 212-555-1234, card 4012-8888-8888-1881"
    for dash in "\u2011\u2013\u2212":
        found = pii.leaks(said.replace("-", dash), "", [], 0.4)
        assert [i.kind for i in found] == ["US_SSN", "PHONE_NUMBER", "CREDIT_CARD"]
        assert not pii.leaks(said.replace("-", dash), said, [], 0.4)


def test_half_a_sign_in_an_answer_stops_nothing() -> None:
    [found] = pii.leaks("half \ud83d a sign, jane@example.com \udc00", "\ud83d", [], 0.4)
    assert found.text == "jane@example.com"


def test_a_forbidden_kind_that_nobody_finds_is_told() -> None:
    with pytest.raises(BadInput, match="EMPLOYEE_IDS") as told:
        pii.leaks("fine", "", ["EMPLOYEE_IDS"], 0.4)
    assert "EMPLOYEE_ID," in told.value.mend
    assert not pii.leaks("fine", "", ["EMPLOYEE_ID", "US_PASSPORT", "PERSON"], 0.4)


def test_a_masked_identifier_shows_its_ends() -> None:
    assert pii.masked("536-22-8745") == "5...5 (11 characters)"


def test_names_and_places_are_reported_and_stop_nothing() -> None:
    text = "Elizabeth Hanson flew from Oslo to Canada on 10/5/1971."
    assert {"PERSON", "LOCATION", "DATE_TIME"} <= {i.kind for i in pii.reported(text)}
    assert pii.identifiers(text, 0.4) == [] and pii.leaks(text, "", FORBIDDEN, 0.4) == []


def test_pieces_hold_the_whole_text_and_are_cut_at_white_space() -> None:
    text = " ".join(f"word{i}" for i in range(3000))
    cut = list(pii.pieces(text, 1000, 100))
    assert all(text[start : start + len(piece)] == piece and len(piece) <= 1000 for start, piece in cut)
    assert all(set(piece.split()) <= set(text.split()) for _, piece in cut)
    ends = [start + len(piece) for start, piece in cut]
    assert cut[0][0] == 0 and ends[-1] == len(text)
    assert all(start <= end - 100 for (start, _), end in zip(cut[1:], ends, strict=False))


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 5000])
def test_a_text_without_white_space_is_cut_all_the_same(size) -> None:
    cut = list(pii.pieces("x" * size, 1000, 100))
    assert all(len(piece) <= 1000 for _, piece in cut) and cut[-1][0] + len(cut[-1][1]) == size


def test_what_lies_across_a_cut_is_found_once() -> None:
    card = "4012 8888 8888 1881"
    for before in (pii.PIECE - 16, pii.PIECE - 12, pii.PIECE - 7, pii.PIECE):
        text = "-" * before + f" {card} " + "-" * 3000
        assert [i.text for i in pii.identifiers(text, 0.4)] == [card]


@pytest.mark.parametrize("unit", ["a.b", "x@", "a", "AAAA", "%41", "[dot]", "eyJ", "0"])
def test_a_hostile_text_is_read_in_seconds(unit) -> None:
    """Presidio's own patterns for e-mail and URLs take up to a minute on some of these; the bound is loose on purpose."""
    began = time.process_time()
    assert pii.identifiers(unit * (40_000 // len(unit)), 0.4) == []
    assert time.process_time() - began < 10


def test_nobody_is_asked_while_identifiers_are_looked_for(monkeypatch) -> None:
    """Presidio's e-mail recogniser asks publicsuffix.org, and says nothing where that fails."""
    opened: list[object] = []

    class Counted(socket.socket):
        def __init__(self, *arguments, **options) -> None:
            opened.append(arguments)
            super().__init__(*arguments, **options)

    monkeypatch.setattr(socket, "socket", Counted)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: opened.append(a) or [])
    pii.analyzer.cache_clear()
    text = "jordan@example.org and https://www.example.org/x and 192.168.4.17"
    assert pii.identifiers(text, 0.4) and pii.reported(text) and opened == []
