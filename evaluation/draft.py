"""A sentence while it is being changed: its words, and which of them nothing supports."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Word:
    """A token, the space behind it, whether it is unsupported, and the parsed token that it comes from (None: put in)."""

    text: str
    space: str = " "
    wrong: bool = False
    token: Any = None

    def say(self, text: str, wrong: bool = True) -> "Word":
        """Another word in its place, written as the old one was."""
        capital = self.text[:1].isupper() and not self.text.isupper()
        return replace(self, text=text[:1].upper() + text[1:] if capital else text, wrong=wrong)


Draft = list[Word]


def of(sentence: Any) -> Draft:
    """A spaCy sentence as a draft."""
    return [Word(t.text, t.whitespace_, False, t) for t in sentence if not t.is_space]


def put_in(text: str, wrong: bool = True, last: str = " ") -> Draft:
    """Words that come from nowhere; `last`: the space behind them."""
    words = text.split()
    return [Word(w, " " if i < len(words) - 1 else last, wrong) for i, w in enumerate(words)]


def render(draft: Draft) -> tuple[str, list[tuple[int, int]]]:
    """(text, unsupported spans)."""
    text, spans = "", []
    for word in draft:
        if word.wrong:
            spans.append((len(text), len(text) + len(word.text)))
        text += word.text + word.space
    whole = text.rstrip()
    return whole, [(a, min(b, len(whole))) for a, b in spans if a < len(whole)]


def entities(draft: Draft, kinds: Sequence[str]) -> list[tuple[int, int, str]]:
    """(first, one past the last, kind) of the named entities that nobody changed."""
    found, i = [], 0
    while i < len(draft):
        token = draft[i].token
        if token is None or token.ent_type_ not in kinds or draft[i].wrong:
            i += 1
            continue
        end = i + 1
        while end < len(draft) and (t := draft[end].token) is not None and t.ent_iob_ == "I":
            end += 1
        found.append((i, end, token.ent_type_))
        i = end
    return found
