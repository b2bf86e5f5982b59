"""Cut a Markdown document into passages, the unit that is retrieved and cited.

A passage is the text under one `## ` heading, with the document's title; the whole of a document that has no heading.
What stands before the first heading is the document's introduction and a passage of its own where it says something
(`document#about`). Front matter is one `key: value` a line between two lines of `---`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from common.files import read_text
from domains.forms import Passage

# Words in a passage, at most: the packaged encoder reads 256 tokens, about 190 English words, and drops the rest.
PIECE = 180
# An introduction of fewer words is a sentence that only repeats the title.
INTRODUCTION = 15


def front_matter(text: str) -> dict[str, str]:
    """The `key: value` lines between the two `---` at the start of a document; empty where there are none."""
    if not text.startswith("---\n"):
        return {}
    head = text.split("---\n", 2)[1]
    return {
        key.strip(): value.strip() for key, mark, value in (line.partition(":") for line in head.splitlines()) if mark
    }


def superseded_by(head: dict[str, str]) -> str:
    """The document that replaced one, by its front matter; empty for a document in force."""
    found = re.fullmatch(r"superseded by ([\w-]+)", head.get("status", "").strip(), re.IGNORECASE)
    return found[1] if found else ""


def body_of(text: str) -> str:
    """A document without its front matter."""
    return text.split("---\n", 2)[-1] if text.startswith("---\n") else text


def sections(file: Path) -> Iterator[Passage]:
    """A document's passages. A section that is longer than an encoder reads is cut into pieces, `document#section.2`
    and so on."""
    text = read_text(file)
    head, body = front_matter(text), body_of(text)
    title = next((line[2:].strip() for line in body.splitlines() if line.startswith("# ")), file.stem)
    old = bool(superseded_by(head))
    first, *blocks = re.split(r"^## ", body, flags=re.MULTILINE)
    whole = re.sub(r"^# .*$", "", first, count=1, flags=re.MULTILINE)
    if not blocks and whole.strip():
        yield from pieces(f"{file.stem}#text", title, whole, old)
    elif len(whole.split()) >= INTRODUCTION:
        yield from pieces(f"{file.stem}#about", title, whole, old)
    for block in blocks:
        heading, _, text = block.partition("\n")
        slug = re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")
        if text.strip():
            yield from pieces(f"{file.stem}#{slug}", f"{title}: {heading.strip()}", text, old)


def pieces(name: str, title: str, text: str, superseded: bool = False) -> Iterator[Passage]:
    """A text in passages of at most PIECE words: cut between paragraphs, else between
    sentences or lines. A piece begins with the last part of the one before where both fit, so that a reference finds
    what it refers to."""
    parts = [part for paragraph in re.split(r"\n\s*\n", text.strip()) for part in thoughts(paragraph)]
    made: list[list[str]] = [[]]
    for part in parts:
        if made[-1] and sum(len(p.split()) for p in made[-1]) + len(part.split()) > PIECE:
            last = made[-1][-1]
            made.append([last] if len(last.split()) + len(part.split()) <= PIECE else [])
        made[-1].append(part)
    if len(made) == 1:
        yield Passage(id=name, title=title, text=text.strip(), superseded=superseded)
        return
    for number, piece in enumerate(made, 1):
        name_of = name if number == 1 else f"{name}.{number}"
        yield Passage(id=name_of, title=title, text="\n\n".join(piece), superseded=superseded)


def thoughts(paragraph: str) -> list[str]:
    """A paragraph whole, or its sentences, or the lines of a table, or, where nothing else is left, runs of words."""
    if len(paragraph.split()) <= PIECE // 2:
        return [paragraph]
    found = re.split(r"(?<=[.!?])\s+|\n", paragraph)
    words = [part.split() for part in found]
    return [" ".join(w[i : i + PIECE]) for w in words for i in range(0, len(w), PIECE)]


def sentences(text: str) -> list[str]:
    """The sentences and table rows of a passage."""
    return [s for s in re.split(r"(?<=[.!?])\s+|\n", text) if s.strip()]
