"""Identifiers of a fixed form, as one table: what each looks like, what proves it, and which words must stand beside it.

A kind is GATING where a checksum or a fixed form makes a finding certain enough to stop a release. Where Presidio has a
recogniser of the same kind, this table takes its place: Presidio's takes any number that passes Luhn for a card (one in
ten does), 123 45 6789 for a social security number, 1.2.3.4 for an address, and its e-mail pattern asks the network for
a list of domains. Every repetition below is bounded, so that a hostile text costs no more than a long one.
"""

import ipaddress
import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

BEFORE, AFTER = 60, 30  # characters within which a word that belongs to an identifier is looked for

GATING = ("API_KEY", "CREDIT_CARD", "CRYPTO", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "MEDICAL_RECORD_NUMBER", "PHONE_NUMBER", "US_NPI", "US_SSN")  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A stretch of a text and what it is."""

    kind: str
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Rule:
    """A form. Where the pattern has a group, that is the identifier, and the rest are the words that announce it."""

    kind: str
    pattern: re.Pattern[str]
    check: Callable[[str], bool] = bool  # what proves the identifier; it gets the text that was found
    near: re.Pattern[str] | None = None  # one of these words must stand close by
    not_after: re.Pattern[str] | None = None  # none of these may stand right before
    score: float = 1.0

    def matches(self, text: str) -> Iterator[Found]:
        """Every place of a text that has the form, passes the check and has its words around it."""
        for m in self.pattern.finditer(text):
            start, end = m.span(m.lastindex or 0)
            before = text[max(0, start - BEFORE) : start]
            if self.near and not self.near.search(f"{before} | {text[end : end + AFTER]}"):
                continue
            if self.not_after and self.not_after.search(before):
                continue
            if self.check(text[start:end]):
                yield Found(self.kind, start, end, self.score)


def digits(text: str) -> str:
    """The digits of a text."""
    return re.sub(r"\D", "", text)


# First digits and lengths of the issuers (ISO/IEC 7812); what no issuer hands out is an order number.
ISSUERS = re.compile(
    r"4(\d{12}|\d{15}|\d{18})"  # Visa
    r"|5[1-5]\d{14}|2(2(2[1-9]|[3-9]\d)|[3-6]\d\d|7([01]\d|20))\d{12}"  # Mastercard
    r"|3[47]\d{13}|3(0[0-5]|[689]\d)\d{11}"  # American Express, Diners Club
    r"|6(011|4[4-9]\d|5\d\d)\d{12}(\d{3})?|35(2[89]|[3-8]\d)\d{12}|62\d{14}(\d{3})?"  # Discover, JCB, UnionPay
    r"|(5018|5020|5038|5893|6304|6759|6761|6762|6763)\d{8,15}"  # Maestro
)


def card(text: str) -> bool:
    """Prefix and length of an issuer, and Luhn's check digit."""
    from stdnum import luhn

    number = digits(text)
    return bool(ISSUERS.fullmatch(number)) and luhn.is_valid(number)


def iban(text: str) -> bool:
    """The country's length and form, and the remainder by 97."""
    from stdnum import iban as known

    return bool(known.is_valid(re.sub(r"[^A-Za-z0-9]", "", text), check_country=False))


def npi(text: str) -> bool:
    """Luhn with the prefix of American health identifiers."""
    from stdnum import luhn

    return bool(luhn.is_valid("80840" + digits(text)))


def ssn(text: str) -> bool:
    """No group of zeros in the middle or at the end. Areas that are never issued count: planted numbers have them."""
    number = digits(text)
    return number[3:5] != "00" and number[5:] != "0000" and len(set(number)) > 1


def mail(text: str) -> bool:
    """Not a picture for two densities (icon@2x.png), nor the user of a git remote."""
    return not re.search(r"\.(png|jpe?g|gif|svg|webp)$", text, re.I) and not text.lower().startswith("git@")


def address(text: str) -> bool:
    """An Internet address of somebody's machine: not this machine, none, or a mask."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (found.is_loopback or found.is_unspecified or found.is_multicast or text.startswith("255."))


def entropy(text: str) -> float:
    """Bits a character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def random_run(text: str) -> bool:
    """Whether sixteen letters and digits stand in a row that look drawn by lot: a key, and no name-with-dashes."""
    return any(
        entropy(run) >= 3 and re.search(r"\d", run) and re.search(r"[A-Za-z]", run)
        for run in re.findall(r"[A-Za-z0-9]{16,}", text)
    )


def international(text: str) -> bool:
    """At most fifteen digits (E.164), after +1 ten of North America's form; +1.2345678 is a number, and 0049301234567 may be one."""
    number = digits(text).removeprefix("00")
    if number[0] == "1" and not re.fullmatch(r"1[2-9]\d\d[2-9]\d{6}", number):
        return False
    return len(digits(text)) <= 15 and not re.fullmatch(r"\+\d+\.\d+|\d+", text) and not ROUND.fullmatch(text)


def record(text: str) -> bool:
    """No amount and no span of years."""
    return not ROUND.fullmatch(text) and not re.fullmatch(r"(?:19|20)\d\d[ -](?:19|20)?\d\d", text)


def words(pattern: str) -> re.Pattern[str]:
    """Whole words, in any case."""
    return re.compile(rf"\b(?:{pattern})\b", re.I)


ROUND = re.compile(r"\+?\d{1,3}(?:[ .]\d{3})*[ .]000")  # an amount in thousands: 100 000
SECURITY = words(r"ssns?|social security|tax(?:payer)? id\w*|tin")
CALLING = words(r"phone|telephone|tel|cell|mobile|call\w*|fax|dial|reach|whatsapp")
MACHINE = words(r"ip|ipv4|ipv6|host|server|client|address|log(?:ged)? ?in|connect\w*|subnet|ping")
VERSION = re.compile(
    r"(?:\b(?:version|release|build|section|chapter|clause|figure|table|v)\.?|[§=<>~^]|\d\.)[\s\"']*$", re.I
)
KEYS = (
    r"AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{40,255}|glpat-[\w-]{20,64}",
    r"xox[abeoprs]-[A-Za-z0-9-]{10,250}|AIza[\w-]{35}|hf_[A-Za-z]{30,64}|npm_[A-Za-z0-9]{36}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,128}",
    r"SG\.[\w-]{16,32}\.[\w-]{32,64}|eyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{10,1000}",
)
# The ways a card is written. Each is tried at every place: what stands before or after it (an order, a month, three
# digits from the back) would otherwise be taken for a part of it.
CARDS = (
    r"\d{12,19}",
    r"\d{4}(?:[ .-]\d{4}){3}",
    r"\d{4}(?:[ .-]\d{4}){3}[ .-]\d{3}",
    r"\d{4}[ .-]\d{6}[ .-]\d{4,5}",
    r"\d{4}(?:[ .-]\d{3}){3}",
    r"\d(?:[ .-]\d){11,18}",
)
RULES = (
    Rule("API_KEY", re.compile(rf"(?<![\w-])(?:{'|'.join(KEYS)})(?![\w])")),
    Rule("API_KEY", re.compile(r"(?<![\w-])sk-[\w-]{20,300}"), random_run),  # the prefix is short: it needs more
    Rule("API_KEY", re.compile(r"(?<![^\W\d_])(?:(?:api|access|secret|auth)[ _-]?(?:key|token)|client[ _-]?secret)[\"']?(?:\s?[:=]\s{0,3}| is )[\"']?([\w-]{16,200})(?![\w-])", re.I), random_run),
    Rule("API_KEY", re.compile(r"-----BEGIN (?:[A-Z]{2,10} )?PRIVATE KEY(?: BLOCK)?-----")),
    *(Rule("CREDIT_CARD", re.compile(rf"(?<![\w.-])(?=({form})(?![\w-]|\.\d))"), card) for form in CARDS),
    Rule("EMAIL_ADDRESS", re.compile(r"(?<![\w.+-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}(?:xn--[A-Za-z0-9-]{1,58}[A-Za-z0-9]|[^\W\d_]{2,24})\b"), mail),
    *(Rule("IBAN_CODE", re.compile(rf"(?<![^\W_])[A-Z]{{2}}(?:[ .-]?\d){{2}}(?:[ .-]?[A-Z0-9]){{{n}}}(?![^\W_])", re.I), iban) for n in range(11, 31)),
    Rule("IP_ADDRESS", re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)"), address, MACHINE, VERSION),
    Rule("IP_ADDRESS", re.compile(r"(?<![\w.-])(?=(?:\d+\.){0,3}\d{3}\b)(?:\d{2,3}\.){2}\d{1,3}\.\d{1,3}(?![\w-]|\.\d)"), address, not_after=VERSION),  # a version of four parts seldom has one of three digits
    Rule("IP_ADDRESS", re.compile(r"(?<![\w:.])[0-9A-F]{0,4}(?::[0-9A-F]{0,4}){3,7}(?![\w:])", re.I), address),
    Rule("IP_ADDRESS", re.compile(r"(?<![\w:.])(?:fe[89ab][0-9a-f]|f[cd][0-9a-f]{2})::[0-9A-F]{1,4}(?![\w:])", re.I), address),
    Rule("IP_ADDRESS", re.compile(r"(?<![\w:.])[23][0-9A-F]{3}::[0-9A-F]{1,4}(?![\w:])", re.I), address, MACHINE),
    Rule("MEDICAL_RECORD_NUMBER", re.compile(r"\b(?:MRN|medical record(?: number| no\.?)?)(?: is| was)?[\s:#=.-]{0,4}(?:MRN)?[\s:#-]{0,3}([A-Z]{0,2}\d(?:[ -]?\d){4,9})\b", re.I), record),
    Rule("MEDICAL_RECORD_NUMBER", re.compile(r"\b(?:patient|hospital|chart) (?:number|no\.?|id)(?: is| was)?[\s:#=.-]{0,4}(?:MRN)?[\s:#-]{0,3}(\d(?:[ -]?\d){5,9})\b", re.I), record),
    Rule("PHONE_NUMBER", re.compile(r"(?<![\w.+-])(?:\+?1[-. ]?)?(?:\([2-9]\d\d\) ?[2-9]\d\d[-. ]|[2-9]\d\d-[2-9]\d\d-|[2-9]\d\d\.[2-9]\d\d\.)\d{4}(?![\w-]|\.\d)")),
    Rule("PHONE_NUMBER", re.compile(r"(?<![\w.+-])(?:\+?1[-. ]?)?[2-9]\d\d ?[2-9]\d\d ?\d{4}(?![\w-]|\.\d)"), near=CALLING),
    Rule("PHONE_NUMBER", re.compile(r"(?<![\w.+-])(?:\+|00)[1-9]\d{0,2}[ .-]?(?:\(0?\d{1,4}\)[ .-]?)?\d(?:[ .-]?\d){6,11}(?![\w-]|\.\d)"), international),
    Rule("US_NPI", re.compile(r"(?<![\w.-])[12](?:[ -]?\d){9}(?![\w-]|\.\d)"), npi, words(r"npi|national provider|provider (?:number|id\w*)")),
    Rule("US_SSN", re.compile(r"(?<![\w.-])\d{3}-\d{2}-(?!19|20)\d{4}(?![\w-]|\.\d)"), ssn),  # what ends in a year needs a word
    Rule("US_SSN", re.compile(r"(?<![\w.-])\d(?:[ .-]{0,3}\d){8}(?![\w-]|\.\d)"), ssn, SECURITY),
    Rule("EMPLOYEE_ID", re.compile(r"\b[A-Z]{2,4}-\d{4,6}\b"), near=words(r"employees?|staff|badge|personnel"), score=0.6),
    Rule("ICD10", re.compile(r"\b[A-TV-Z]\d[0-9AB](?:\.[0-9A-Z]{1,4})\b"), near=words(r"icd(?:[ -]?10)?(?:-cm)?|diagnos\w+|dx|coded?|codes"), score=0.6),
    Rule("ICD10", re.compile(r"\bICD-?10(?:-CM)?[\s:#-]{1,3}(?:code )?([A-Z]\d[0-9AB](?:\.?[0-9A-Z]{1,4})?)\b", re.I), score=0.8),
)  # fmt: skip
KINDS = tuple(dict.fromkeys(rule.kind for rule in RULES))


def matches(text: str, kinds: Collection[str]) -> list[Found]:
    """What the table finds of some kinds, in the order of the text. Digits in an IBAN are no telephone number."""
    found = sorted((f for rule in RULES if rule.kind in kinds for f in rule.matches(text)), key=lambda f: f.start)
    if not any(f.kind == "PHONE_NUMBER" for f in found):
        return found
    accounts = [range(f.start, f.end) for rule in RULES if rule.kind == "IBAN_CODE" for f in rule.matches(text)]
    return [f for f in found if f.kind != "PHONE_NUMBER" or not any(f.start in account for account in accounts)]
