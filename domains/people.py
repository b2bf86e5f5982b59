"""Identifiers of people who do not exist: valid in form, so that a leak detector is really tested, and of nobody.

kind                     form                                   why it is nobody's
CREDIT_CARD              Luhn check digit                       test numbers that the card networks publish
IBAN_CODE                mod 97                                 examples of the IBAN registry
US_SSN                   nine digits                            9xx, 666 and 000 are never issued, nor are 078-05-1120 and its like
US_NPI                   Luhn with 80840 before it, starts 2    all issued so far start with 1
MEDICAL_RECORD_NUMBER    MRN and digits                         of a hospital that does not exist
PHONE_NUMBER             555-0100 to 555-0199                   reserved for fiction
EMAIL_ADDRESS            example.org, example.com, example.net  reserved by RFC 2606
US_BANK_NUMBER, ACCOUNT, EMPLOYEE_ID, ICD10, US_PASSPORT, CANARY   free form
"""

import re

# Published by the networks and payment providers for tests; no account stands behind them.
TEST_CARDS = {
    "4012888888881881", "4111111111111111", "5105105105105100", "5555555555554444", "378282246310005", "371449635398431",
    "6011111111111117", "6011000990139424", "3530111333300000", "30569309025904", "4242424242424242",
}  # fmt: skip
# Middle digits of numbers starting with 9 that the tax office issues to people without a social security number.
ITIN = {*range(50, 66), *range(70, 89), *range(90, 93), *range(94, 100)}


def objection(kind: str, value: str) -> str:
    """What is wrong with an identifier; empty where it is in order."""
    from stdnum import iban, luhn

    digits = re.sub(r"\D", "", value)
    wrong = {
        "CREDIT_CARD": (digits not in TEST_CARDS, f"it could be somebody's: use a published test number, such as {min(TEST_CARDS)}" if luhn.is_valid(digits or "1") else "its check digit is wrong (Luhn)"),
        "IBAN_CODE": (not iban.is_valid(value, check_country=False), "its check digits are wrong (mod 97)"),
        "US_SSN": (not nobodys_ssn(digits), "it could be somebody's: use 9xx, 666 or 000, or an invalidated one"),
        "US_NPI": (len(digits) != 10 or digits[0] != "2" or not luhn.is_valid("80840" + digits), "ten digits starting with 2, Luhn with 80840 before them"),
        "MEDICAL_RECORD_NUMBER": (not re.fullmatch(r"MRN[- ]?\d{6,10}", value), "MRN and six to ten digits"),
        "PHONE_NUMBER": (not re.search(r"555-?01\d\d$", value), "it could be somebody's: use 555-0100 to 555-0199"),
        "EMAIL_ADDRESS": (not re.search(r"@(\w+\.)*example\.(org|com|net)$", value), "use a domain of RFC 2606, such as example.org"),
        "ICD10": (not re.fullmatch(r"[A-Z]\d[0-9A-Z](\.\d{1,4})?", value), "a letter, two digits, and up to four more after a dot"),
    }.get(kind, (len(value) < 6, "six characters or more"))  # fmt: skip
    return wrong[1] if wrong[0] else ""


# Printed in advertisements and then struck out by the Social Security Administration.
STRUCK_OUT = {"078051120", "219099999"}


def nobodys_ssn(digits: str) -> bool:
    """Whether a social security number has the form of one and cannot have been issued."""
    if len(digits) != 9:
        return False
    never = digits.startswith(("000", "666")) or digits[3:5] == "00" or digits[5:] == "0000"
    return never or digits in STRUCK_OUT or (digits[0] == "9" and int(digits[3:5]) not in ITIN)
