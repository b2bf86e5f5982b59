"""Claims that people have labelled: what a judge is calibrated against. JSON lines, plain or gzipped, one object a line:

    {"source": "...", "group": "...", "context": "...", "claim": "...", "grounded": 0 or 1, "domain": "..."}

`context` is a text, or a list of passages. `group` (a document, a conversation) stays in one split and is resampled as a
whole; `domain` is where a judge may be admitted, "general" where it is not given.
"""

import gzip
import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import BadInput

MEND = "--data FILE, JSON lines with source, group, context, claim and grounded (0 or 1)"


@dataclass(frozen=True)
class Claim:
    """A statement, the passages it should rest on, the question it answers (or ""), and what people said of it."""

    text: str
    passages: tuple[str, ...]
    question: str = ""
    grounded: bool = False
    source: str = ""
    group: str = ""
    domain: str = "general"


def read(path: Path) -> list[Claim]:
    """The rows of a file. BadInput names the line."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig") as file:
            lines = list(file)  # splitlines() would end one at U+2028 and U+0085, too, which JSON allows within a text
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {path}: {error}", MEND) from error
    found = [row(line, f"{path}, line {i}") for i, line in enumerate(lines, 1) if line.strip()]
    if len({c.grounded for c in found}) < 2:
        raise BadInput(f"{path}: {len(found)} rows, and not both labels", MEND)
    return found


def row(line: str, where: str) -> Claim:
    """One line."""
    try:
        r = json.loads(line.strip())
        if missing := [name for name in ("source", "group", "context", "claim", "grounded") if name not in r]:
            raise ValueError(f"no {', '.join(missing)}")
        passages, question = passages_of(r["context"])
        source, group = (named(name, r[name], str | int | float) for name in ("source", "group"))
        made = Claim(
            named("claim", r["claim"]), passages, named("question", r.get("question", question)), label(r["grounded"]),
            str(source), f"{source}:{group}", named("domain", r.get("domain", "general")),
        )  # fmt: skip
        if not made.text.strip():
            raise ValueError("an empty claim")
    except (ValueError, TypeError) as error:
        raise BadInput(f"{where}: {error}", MEND) from error
    return made


def named(name: str, value: Any, kind: Any = str) -> Any:
    """A field's value. TypeError where it is of another kind: null would become the text "None"."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} is {value!r}, not a text")
    return value


def label(value: Any) -> bool:
    """Whether a claim is grounded. ValueError for anything but 0 and 1, true and false."""
    if value not in (0, 1):
        raise ValueError(f"grounded is {value!r}, not 0 or 1")
    return bool(value)


def passages_of(context: Any) -> tuple[tuple[str, ...], str]:
    """(passages, question): a list is taken as it is, and a text may end in what was asked."""
    if isinstance(context, list):
        return tuple(named("context", passage) for passage in context), ""
    text, question = split_question(named("context", context))
    return (text,), question


def split_question(context: str) -> tuple[str, str]:
    """(passages, question): a last line that begins with "Question:" is what was asked."""
    before, found, after = context.rpartition("\nQuestion:")
    return (before, after.strip()) if found else (context, "")


def half(group: str, seed: int = 0) -> int:
    """0 or 1: the split of a group, the same in every process."""
    return hashlib.sha256(f"{seed} {group}".encode()).digest()[0] % 2


def few(claims: Sequence[Claim], most: int) -> list[Claim]:
    """At most so many of each source, group by group in an order drawn by hash: the same in every process. 0: all.

    The last group is cut where it holds more than are wanted still: one document may have hundreds of claims.
    """
    if not most:
        return list(claims)
    order = sorted(claims, key=lambda c: (c.source, hashlib.sha256(c.group.encode()).digest()))
    kept: list[Claim] = []
    seen: Counter[str] = Counter()
    for c in order:
        if seen[c.source] < most:
            seen[c.source] += 1
            kept.append(c)
    return kept
