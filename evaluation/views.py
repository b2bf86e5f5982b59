"""Readings of a text in which identifiers are looked for: as it stands, and as somebody wrote it who wants to hide one."""

import re
import unicodedata
from collections.abc import Iterator

from evaluation.disguise import LATINISED, undone

# Characters that take no room: spaces and joiners of width zero, soft hyphens, marks of direction, selectors.
UNSEEN = re.compile("[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")  # fmt: skip
DASHES = dict.fromkeys([*range(0x2010, 0x2016), 0x2212], ord("-"))  # hyphens, dashes and the minus
# What stands between signs that are held apart by a space or a dash, and what it stood for.
GAPS = {"- -": " ", "   ": " ", " - ": "-", "---": "-", " ": "", "-": ""}
GAP = re.compile("|".join(GAPS))
SIGNS_APART = re.compile(rf"(?<![^\W_])[^\W_](?:(?:{GAP.pattern})[^\s-]){{5,}}(?![^\W_])")
DIGITS_APART = re.compile(r"(?<!\w)\d(?:[ ,._/\n-]{1,3}\d){8,}(?!\w)")
AT = r"\s{0,2}(?:\[\s?at\s?\]|\(\s?at\s?\)|\{\s?at\s?\}|<\s?at\s?>|\(@\)|\[@\])\s{0,2}"
DOT = r"\s{0,2}(?:\[\s?dot\s?\]|\(\s?dot\s?\)|\{\s?dot\s?\}|<\s?dot\s?>|\(\.\)|\[\.\]|\sdot\s)\s{0,2}"
NAME = r"[A-Za-z0-9][\w+-]{0,63}"
BRACKETED = re.compile(rf"({NAME}(?:(?:{DOT}|\.){NAME}){{0,3}}){AT}({NAME}(?:(?:{DOT}|\.){NAME}){{1,4}})", re.I)
# Without brackets both words must be there, and a domain that is one: "look at the dot" is no address.
SPOKEN = re.compile(rf"({NAME}(?:(?:\sdot\s|\.){NAME}){{0,3}})\s{{1,2}}at\s{{1,2}}(?!(?:an?|the|this|that|one|each|every)\b)({NAME}(?:\sdot\s{NAME}){{0,3}}\sdot\s(?:com|org|net|edu|gov|info|io|co|uk|de|fr|eu|us|ca))\b", re.I)  # fmt: skip


def normalised(text: str) -> str:
    """Compatible forms, one dash for all, nothing unseen, no marks on letters, Latin letters for those that look like them."""
    seen = UNSEEN.sub("", unicodedata.normalize("NFKC", text)).translate(LATINISED | DASHES)
    return "".join(c for c in unicodedata.normalize("NFD", seen) if not unicodedata.combining(c))


def addresses(text: str) -> str:
    """E-mail addresses whose signs are written out: bob [at] acme [dot] org."""

    def joined(m: re.Match[str]) -> str:
        return "@".join(re.sub(DOT, ".", part, flags=re.I) for part in m.groups())

    return SPOKEN.sub(joined, BRACKETED.sub(joined, text))


def joined(text: str) -> str:
    """Signs and digits that stand apart, closed up: 5 3 6 - 2 2 becomes 536-22, and j a n e @ becomes jane@."""
    closed = SIGNS_APART.sub(lambda m: GAP.sub(lambda gap: GAPS[gap[0]], m[0]), text)
    return DIGITS_APART.sub(lambda m: re.sub(r"\D", "", m[0]), closed)


def views(text: str) -> Iterator[tuple[str, str]]:
    """(name, reading): the raw text first, then every other reading that differs from those before it.

    Offsets are those of the text in the raw reading only.
    """
    seen = {text, ""}
    yield "raw", text
    plain = normalised(text)
    readings = [("normalised", plain), ("addresses", addresses(plain)), ("joined", joined(plain)), *undone(text)]
    for name, reading in readings:
        # leet turns every digit into a letter: no identifier survives that
        if name != "leet" and reading not in seen and reading.strip():
            seen.add(reading)
            yield name, reading
