"""The texts that training pairs are made of: the packs' passages, and three collections of the model store.

All have licences that allow a trained model to be shipped. None is one of the labelled sources that judges are measured on.
"""

import gzip
import json
import re
from collections.abc import Iterator

from common import models
from domains.pack import load, names

STORED = ("facts", "encyclopedia", "policies")


def texts() -> list[tuple[str, str]]:
    """(group, text), each text once. NotReady where the store lacks a collection."""
    found: dict[str, str] = {}
    for source in (packs(), facts(), encyclopedia(), policies()):
        for group, text in source:
            found.setdefault(plain(text), group)
    return [(group, text) for text, group in found.items()]


def plain(text: str) -> str:
    """Without Markdown's marks and the spaces around them."""
    lines = [re.sub(r"^\s*(#+|[-*]|\d+\.)\s+", "", line) for line in text.splitlines()]
    return re.sub(r"\s+", " ", " ".join(lines).replace("**", "").replace("`", "")).strip()


def packs() -> Iterator[tuple[str, str]]:
    """Passages of the packs that come with the kit."""
    for name in names():
        for passage in load(name).passages:
            yield f"{name}:{passage.id}", passage.text


def facts() -> Iterator[tuple[str, str]]:
    """Short documents on many topics."""
    for line in (models.path("facts") / "documents.jsonl").read_text().splitlines():
        row = json.loads(line)
        yield f"facts:{row['id']}", row["content"]


def encyclopedia() -> Iterator[tuple[str, str]]:
    """Paragraphs; the collection holds each with its sentences in five orders, the first is the author's."""
    for i, line in enumerate((models.path("encyclopedia") / "paragraphs.jsonl").read_text().splitlines()):
        yield f"encyclopedia:{i}", json.loads(line)["0"]


def policies() -> Iterator[tuple[str, str]]:
    """A bank's pages."""
    for row in json.loads(gzip.decompress((models.path("policies") / "documents.json.gz").read_bytes())):
        yield f"policies:{row['id']}", row["content"]
