"""Claims that people have labelled: what a judge is calibrated against. JSON lines, plain or gzipped, one object a line:

    {"source": "...", "group": "...", "context": "...", "claim": "...", "grounded": 0 or 1, "domain": "..."}

`group` (a document, a conversation) stays in one split and is resampled as a whole; `domain` is where a judge may be
admitted, "general" where it is not given.
"""

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
        with opened(path, "rt", encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {path}: {error}", MEND) from error
    found = [row(line, f"{path}, line {i}") for i, line in enumerate(lines, 1) if line.strip()]
    if len({c.grounded for c in found}) < 2:
        raise BadInput(f"{path}: {len(found)} rows, and not both labels", MEND)
    return found


def row(line: str, where: str) -> Claim:
    """One line."""
    try:
        r = json.loads(line)
        context, question = split_question(str(r["context"]))
        made = Claim(
            str(r["claim"]), (context,), str(r.get("question", question)), {0: False, 1: True}[r["grounded"]],
            str(r["source"]), f"{r['source']}:{r['group']}", str(r.get("domain", "general")),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{where}: {type(error).__name__} {error}", MEND) from error
    if not made.text.strip():
        raise BadInput(f"{where}: an empty claim", MEND)
    return made


def split_question(context: str) -> tuple[str, str]:
    """(passages, question): a last line that begins with "Question:" is what was asked."""
    before, found, after = context.rpartition("\nQuestion:")
    return (before, after.strip()) if found else (context, "")


def half(group: str, seed: int = 0) -> int:
    """0 or 1: the split of a group, the same in every process."""
    return hashlib.sha256(f"{seed} {group}".encode()).digest()[0] % 2


def few(claims: Sequence[Claim], most: int) -> list[Claim]:
    """At most so many of each source, whole groups in an order drawn by hash: the same in every process. 0: all."""
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
