"""The numbers of a text, so that "6.0 %", "six percent" and "6%" are one."""

import re

SMALL = {
    w: i
    for i, w in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100}
SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "k": 1e3, "bn": 1e9}
NUMBER = re.compile(
    rf"(?<![\w.])(\d[\d,]*(?:\.\d+)?)(?:\s?({'|'.join(SCALES)})\b)?|\b({'|'.join(SMALL)})\b(?:[\s-]({'|'.join(SCALES)})\b)?",
    re.IGNORECASE,
)


def numbers(text: str) -> set[str]:
    """Digits and small number words, without thousands separators and trailing zeros, with their scale."""
    return {value(*found) for found in NUMBER.findall(text)}


def digits(text: str) -> set[str]:
    """Those written in digits: "one" may be a pronoun, so a check that blocks asks for these."""
    return {value(*found) for found in NUMBER.findall(text) if found[0]}


def value(digits: str, scale: str, word: str, of_word: str) -> str:
    """A match as one number."""
    amount = float(digits.replace(",", "")) if digits else float(SMALL[word.lower()])
    return f"{amount * SCALES.get((scale or of_word).lower(), 1.0):.12g}"


def strange(text: str, held: str) -> list[tuple[int, int]]:
    """Places of the numbers of a text, written in digits, that `held` does not have.

    "6.4 million" is held, too, where 6.4 stands in a column that is headed "million".
    """
    known, low = numbers(held), held.lower()
    found = []
    for m in NUMBER.finditer(text):
        plain, scale = m[1], (m[2] or "").lower()
        if not plain or value(plain, scale, "", "") in known:
            continue
        if not (scale and scale in low and value(plain, "", "", "") in known):
            found.append(m.span())
    return found
