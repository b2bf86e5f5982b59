"""The numbers of a text, so that "6.0 %", "six percent" and "6%" are one, and so are "$5m", "5 million" and "five million"."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

ONES = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
SMALL = (
    {"zero": 0, "a": 1}
    | {w: n for n, w in enumerate(ONES.split(), 1)}
    | {w: 10 * n for n, w in enumerate(TENS.split(), 2)}
)
ZEROS = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12, "k": 3, "m": 6, "mn": 6, "bn": 9, "tn": 12}
UNITS = ("k", "m")  # 5m may be five metres, and 401k a plan
BIG = "thousand|million|billion|trillion"
SCALE = rf"(?P<scale>(?:{BIG})s?|k|m|mn|bn|tn)\b"
WORD = rf"(?a:(?:{'|'.join(SMALL.keys() - {'a'})}|hundred)\b|a(?=[\s-](?:hundred|{BIG})\b))"
NUMBER = re.compile(
    r"(?P<money>(?:[$€£¥]|\b(?:USD|EUR|GBP|CHF))\s?)?(?<![\w.])"
    rf"(?P<digits>(?:\d{{1,3}}(?:,\d{{3}})+(?!\d)|\d+)(?:\.\d+)?)(?:[\s-]?{SCALE})?"
    rf"|\b(?P<words>{WORD}(?:(?:[\s-]|\sand\s)(?:{WORD}|(?:{BIG})\b))*)",
    re.IGNORECASE,
)
RANGE = re.compile(r"\s?(?:,|,?\s(?:and|or|to)|[-–—])\s?", re.IGNORECASE)  # in "5 to 6 million" both are millions
HEAD = re.compile(rf"(?<![^\W_]){SCALE}", re.IGNORECASE)


@dataclass(frozen=True)
class Number:
    """A number at its place. values: what it may mean."""

    start: int
    end: int
    in_digits: bool
    values: frozenset[str]


def found(text: str) -> list[Number]:
    """The numbers of a text, the last one first: a range has its scale at its end."""
    made: list[Number] = []
    behind = shared = 0  # where the number behind begins, and its scale
    for m in reversed(list(NUMBER.finditer(text))):
        own = zeros(m["scale"] or re.split(r"[\s-]", m["words"] or "")[-1])
        in_range = made and RANGE.fullmatch(text, m.end(), behind)
        shared = own or (shared if in_range else 0)
        if m["digits"]:
            amounts = [m["digits"].replace(",", "")]
            scales = [own] if own and (m["money"] or m["scale"].lower() not in UNITS) else [0, shared]
        else:
            amounts = [str(n) for n in spelled(m["words"].lower())]
            scales = [0] if own else [0, shared]
        values = frozenset(written(amount, scale) for amount in amounts for scale in scales)
        made.append(Number(m.start("digits" if m["digits"] else "words"), m.end(), bool(m["digits"]), values))
        behind = m.start()
    return made


def zeros(scale: str) -> int:
    """How many zeros a scale stands for: 6 for millions, 0 for a word that is none."""
    return ZEROS.get(scale.lower().removesuffix("s"), 0)


def written(amount: str, scale: int) -> str:
    """A number of a scale with all its digits, and no zeros behind the point."""
    text = f"{Decimal(f'{amount}e{scale}'):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def spelled(run: str) -> list[int]:
    """The numbers of a run of number words; "two hundred and fifty" may be one or two."""
    said = " ".join(re.split(r"[\s-]", run))
    parts = dict.fromkeys([said.replace(" and ", " "), *said.split(" and ")])
    return [n for part in parts for n in counted(part.split())]


def counted(words: Sequence[str]) -> Iterator[int]:
    """The numbers of words in a row: one that cannot go on with the number before it begins another."""
    total = part = last = 0  # two thousand, one hundred and five: 2000, 105, 5
    for w in words:
        scale = 100 if w == "hundred" else 10 ** zeros(w)
        if scale == 100:
            if part >= 100:  # "one hundred two hundred"
                yield total + part - last
                total, part = 0, last
            part = (part or 1) * 100
        elif scale > 100 and not part:  # "two thousand million"
            total *= scale
        elif scale > 100:
            if 0 < total < part * scale:  # "one thousand two million"
                yield total
                total = 0
            total, part = total + part * scale, 0
        else:
            last = SMALL[w]
            if last and (part % 100 == 0 or (part % 100 >= 20 and part % 10 == 0 and last < 10)):
                last += part % 100
                part += last - part % 100
            else:
                if total or part:
                    yield total + part
                total, part = 0, last
    yield total + part


def numbers(text: str) -> set[str]:
    """What the numbers of a text, in digits and in words, may mean."""
    return {value for n in found(text) for value in n.values}


@lru_cache(maxsize=1024)
def known(text: str) -> frozenset[str]:
    """The numbers of a source, and those that a table holds by its heads: 6.4 under "million dollars" is 6400000."""
    held, heads = numbers(text), dict[int, int]()
    for line in text.splitlines():
        heads = heads if "|" in line else {}
        for column, cell in enumerate(line.split("|") if "|" in line else []):
            if scale := HEAD.search(NUMBER.sub("", cell)):
                heads[column] = zeros(scale["scale"])
            elif column in heads:
                held |= {written(v, heads[column]) for v in numbers(cell)}
    return frozenset(held)


def strange(text: str, held: str) -> list[tuple[int, int]]:
    """Places of the numbers of a text, written in digits, that `held` does not have ("one" may be a pronoun)."""
    return [(n.start, n.end) for n in reversed(found(text)) if n.in_digits and not n.values & known(held)]
