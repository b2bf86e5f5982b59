"""Each form with what it finds and what looks like it and is something else."""

import random

import pytest

from evaluation import announced, recognisers
from evaluation.recognisers import GATING, KINDS


def found(text: str) -> set[str]:
    return {f.kind for f in recognisers.matches(text, KINDS)}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("API_KEY", "export KEY=AKIAIOSFODNN7EXAMPLE"),
        ("API_KEY", f"token ghp_{'a1B2' * 9}."),
        ("API_KEY", "xoxb-" + "123456789012-abcdefGHIJ"),
        ("API_KEY", "AIza" + "SyA-1234567890abcdefghijklmnopqrstu"),
        ("API_KEY", "use sk-proj-a8Kd93kLmQ02xZp7Tn5RbV4w please"),
        ("API_KEY", "api_key=abcd1234efgh5678ijkl9012"),
        ("API_KEY", '{"client_secret": "abcd1234efgh5678ijkl9012"}'),
        ("API_KEY", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl"),
        ("API_KEY", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"),
        ("CREDIT_CARD", "The card is 4012 8888 8888 1881."),
        ("CREDIT_CARD", "4012-8888-8888-1881"),
        ("CREDIT_CARD", "4.0.1.2.8.8.8.8.8.8.8.8.1.8.8.1"),
        ("CREDIT_CARD", "4012 8888 8888 1881 12/27"),
        ("CREDIT_CARD", "4012 8888 8888 1881 123"),
        ("CREDIT_CARD", "2027 4012 8888 8888 1881"),
        ("CREDIT_CARD", "amex 378282246310005, gone"),
        ("EMAIL_ADDRESS", "write to <jane.o'hara+x@mail.example.co.uk>"),
        ("EMAIL_ADDRESS", "jos\u00e9@ex\u00e4mple.org"),
        ("IBAN_CODE", "GB33 BUKB 2020 1555 5555 55"),
        ("IBAN_CODE", "send GB33 BUKB 2020 1555 5555 55 on 3 May 2020"),
        ("IBAN_CODE", "MT84 MALT 0110 0001 2345 MTLC AST0 01S is hers"),
        ("IBAN_CODE", "pay fr1420041010050500013m02606."),
        ("IP_ADDRESS", "from 192.168.4.17:8080"),
        ("IP_ADDRESS", "the server is 8.8.8.8"),
        ("IP_ADDRESS", "the host is 10.20.30.40"),
        ("IP_ADDRESS", "ping fe80::1"),
        ("IP_ADDRESS", "the IPv6 address 2001::1"),
        ("IP_ADDRESS", "2001:db8:0:0:0:0:2:1 answered"),
        ("MEDICAL_RECORD_NUMBER", "MRN-00471928"),
        ("MEDICAL_RECORD_NUMBER", "the medical record number is 0047 1928"),
        ("MEDICAL_RECORD_NUMBER", "MRN 12345"),
        ("MEDICAL_RECORD_NUMBER", "MRN: A1234567"),
        ("MEDICAL_RECORD_NUMBER", "hospital no. 100 234"),
        ("PHONE_NUMBER", "+1 250 555 0142 and +420 777 123 456"),
        ("PHONE_NUMBER", "212.555.0142"),
        ("PHONE_NUMBER", "call (212) 555-0142"),
        ("PHONE_NUMBER", "+44 20 7946 0958"),
        ("PHONE_NUMBER", "my phone: 2125550142"),
        ("US_NPI", "The provider number (NPI) is 2783019450."),
        ("US_SSN", "536-22-8745"),
        ("US_SSN", "SSN 536-22-2023"),
        ("US_SSN", "social security number: 536 22 8745"),
        ("US_SSN", "ssn 5 3 6 2 2 8 7 4 5"),
        ("EMPLOYEE_ID", "The employee number is TDW-30417."),
        ("ICD10", "coded as E11.9 in the discharge letter"),
        ("ICD10", "ICD-10: J45"),
    ],
)
def test_a_form_is_found(kind, text) -> None:
    assert kind in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "order 4012 8888 8888 1882",  # Luhn
        "order 9012 8888 8888 1886",  # Luhn is right, no issuer
        "shipment 4012888888881881000000 left",  # too long
        "GB34BUKB20201555555555",  # remainder by 97
        "version 1.2.3.4 and build 10.0.19.1",
        "see section 4.2.1.3",
        "Oracle 19.21.0.0",
        "see 12.10.3.1 of the policy",
        "from 1.2.3.4 of the guide",
        "rows[1::2], a::b and Face::add",
        "Sales of 300-400 2023 models",
        "+1 250 000 000 dollars and +25 000 000 people",
        "order 100-10-2023",
        "hospital no. 100 000",
        "the medical record 2013-2014",
        "api_key=YOUR_API_KEY_GOES_HERE",
        "127.0.0.1 and 255.255.255.0",
        "from 10:30:00 to 11:45:00",
        "2013-01-31 and 31.01.2013 and 2013/2014",
        "the interval 0.123 to 0.456, n = 1234567890",
        "between 1950 and 2015, 16356 days, 536 22 8745 rows",
        "567 890 1234 and 2125550142 were drawn",  # a telephone's form, and nothing about one
        "order number 2125550142, item number 212 555 0142",
        "1-800 samples of 555-0142",
        "P&L of +1.2345678, then 0049301234567 rows",
        "4.5 3.2 51.2 33.4 12.8 44.1 9.7",
        "the npi is 1234567890",  # check digit
        "2783019450 rows",  # right check digit, nothing about providers
        "000-00-0000 or 123-00-4567",
        "risk-adjusted, sk-learn-pipeline-with-a-long-name, task-based",
        "AKIA is short; eyJ is the beginning of a token",
        "-----BEGIN PUBLIC KEY-----",
        "icon@2x.png, git@github.com, a @ b, x@w.T, @reader",
        "flights UA-1234 and TDW-30417 are late",
        "vitamin B12.5 and aisle C91.01",
        "MRN is a medical record number; 12 charts",
        "",
    ],
)
def test_what_looks_like_an_identifier_and_is_none(text) -> None:
    assert found(text) == set()


def test_few_order_numbers_pass_for_cards() -> None:
    """One number of sixteen digits in ten passes Luhn; with the issuers' prefixes it is one in thirty or less."""
    drawn = random.Random(0)
    orders = [f"order {drawn.randrange(10**15, 10**16)} was shipped" for _ in range(3000)]
    assert sum("CREDIT_CARD" in found(o) for o in orders) < 100


def test_kinds_that_may_gate_are_kinds_that_are_looked_for() -> None:
    assert set(GATING) - set(KINDS) == {"CRYPTO"}  # Presidio's own


def test_an_account_holds_no_telephone_number() -> None:
    assert found("pay GB35 BUKB 0044 1234 5678 90") == {"IBAN_CODE"}
    assert found("pay GB35 BUKB 0044 1234 5678 90 or call 0044 20 7946 0958") == {"IBAN_CODE", "PHONE_NUMBER"}


@pytest.mark.parametrize("value", ["jane@example.xn--p1ai", "jane@xn--exmple-cua.org"])
def test_an_address_of_another_script_is_found_whole(value) -> None:
    text = f"write to {value}, please"
    assert [text[f.start : f.end] for f in recognisers.matches(text, KINDS)] == [value]


def test_the_identifier_is_reported_and_not_the_words_before_it() -> None:
    text = "medical record number is 00471928"
    [f] = recognisers.matches(text, KINDS)
    assert text[f.start : f.end] == "00471928"


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("DATE_TIME", "born on 10/5/1971", "10/5/1971"),
        ("DATE_TIME", "since 1988", "1988"),
        ("AGE", "a 19 year old man", "19"),
        ("AGE", "I just turned 47", "47"),
        ("PERSON", "Mr. Leiva flew", "Leiva"),
        ("PERSON", "My name is rubija", "rubija"),
        ("STREET_ADDRESS", "at 69 Farnell Street", "69 Farnell Street"),
        ("STREET_ADDRESS", "on Villacher Strasse 89", "Villacher Strasse 89"),
        ("ZIP_CODE", "my zip code is 35350", "35350"),
        ("PHONE_LIKE", "ring 056 590 36 33", "056 590 36 33"),
        ("CARD_LIKE", "card 587428561654", "587428561654"),
        ("NRP", "I am cambodian", "cambodian"),
        ("URL", "see https://www.ArtistMovie.se/ now", "https://www.ArtistMovie.se/"),
    ],
)
def test_what_is_reported_has_its_forms_too(kind, text, value) -> None:
    assert (kind, value) in {(f.kind, text[f.start : f.end]) for f in announced.matches(text)}


@pytest.mark.parametrize(
    "text",
    ["Table 2 and Figure 13", "March 2013", "aged cheese", "in turn 3 of 5 failed", "2013-2014", "0.5 to 1.5 mg"],
)
def test_tables_and_doses_are_no_addresses(text) -> None:
    assert {f.kind for f in announced.matches(text)} <= {"DATE_TIME"}
