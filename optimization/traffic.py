"""Benign traffic: what a pack's users ask, and what its documents say. No attack is in it.

A pack of the kit gives half of it to training (benign texts of a kind that public sets of prompts lack), a quarter to
the threshold and a quarter to the report; a pack of the user's own gives nothing to training. A question and its other
wording are always together.
"""

from typing import Literal

from domains.pack import Pack, load, names

Part = Literal["train", "threshold", "report"]


def of(pack: Pack) -> list[tuple[str, Part]]:
    """(text, its part) of the pack's questions, in both wordings, and passages."""
    found = [(n, text) for n, q in enumerate(pack.questions) for text in (q.question, q.other_words) if text]
    found += [(n, passage.text) for n, passage in enumerate(pack.passages)]
    return [(text, part(n, pack.ours)) for n, text in found]


def part(number: int, ours: bool) -> Part:
    """By its number: every fourth is reported on."""
    if number % 4 == 3:
        return "report"
    return "train" if ours and number % 4 < 2 else "threshold"


def to_train() -> list[str]:
    """The training part of the kit's packs."""
    return [text for name in names() for text, where in of(load(name)) if where == "train"]
