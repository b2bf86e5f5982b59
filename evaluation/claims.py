"""From an answer and its passages to what a judge reads: one sentence of the answer, and the evidence nearest to it."""

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

STOPWORDS = frozenset(
    "a an and are as at be been but by can did do does for from had has have he her his i if in is it its me my of on or our "
    "she so that the their them they this to was we were what which who will with would you your".split()
)
WORD = re.compile(r"[a-z0-9]+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Span:
    """A part of a text: text[start:end]."""

    text: str
    start: int
    end: int


@cache
def splitter() -> Any:
    """spaCy's rule-based sentence splitter; it knows abbreviations, and needs no model."""
    import spacy

    made = spacy.blank("en")
    made.add_pipe("sentencizer", config={"punct_chars": [".", "!", "?", "...", "。"]})
    made.max_length = 10_000_000
    return made


def sentences(text: str) -> list[Span]:
    """The sentences of a text, with their places; a line break ends one, as in lists and dialogues."""
    found = []
    for line in re.finditer(r"[^\n]+", text):
        for sentence in splitter()(line[0]).sents:
            piece = sentence.text.strip()
            if any(c.isalnum() for c in piece):
                start = line.start() + sentence.start_char + len(sentence.text) - len(sentence.text.lstrip())
                found.append(Span(piece, start, start + len(piece)))
    return found


def parts(text: str, fits: Callable[[str], bool]) -> list[tuple[int, int]]:
    """Places of the parts of a text that fit: cut in two near the middle, behind a comma or else a word, until each does."""
    if len(text) < 2 or fits(text):
        return [(0, len(text))] if any(c.isalnum() for c in text) else []
    least, most = len(text) / 4, len(text) * 3 / 4
    places = ([m.end() for m in re.finditer(end, text) if least <= m.end() <= most] for end in (r"[,;:]\s", r"\s", ""))
    cut = min(next(found for found in places if found), key=lambda place: abs(place - len(text) / 2))
    return parts(text[:cut], fits) + [(cut + a, cut + b) for a, b in parts(text[cut:], fits)]


def words(text: str) -> list[str]:
    """Content words and numbers, lower case, without a plural s."""
    return [w.removesuffix("s") for w in WORD.findall(text.lower()) if w not in STOPWORDS]


def grams(found: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """Runs of n words."""
    return [tuple(found[i : i + n]) for i in range(len(found) - n + 1)]


@lru_cache(maxsize=1024)
def split(passage: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """(sentence, its words) of a passage: every claim about it asks again."""
    return tuple((s.text, frozenset(words(s.text))) for s in sentences(passage))


def evidence(claim: str, passages: Sequence[str], budget: int) -> str:
    """The sentences of the passages that share most with a claim, in their order, at most `budget` words in all.

    A word counts by its rarity among the sentences, so that a name outweighs "company". Passages that fit are returned
    whole. Where nothing is shared, the beginning is returned: what a claim is about is usually said first.
    """
    whole = "\n".join(passages)
    if len(whole.split()) <= budget:
        return whole
    found = [part for p in passages for part in split(p)]
    pieces, bags = [text for text, _ in found], [bag for _, bag in found]
    seen = Counter(w for bag in bags for w in bag)
    wanted = set(words(claim))
    weights = {w: math.log(1 + len(bags) / seen[w]) for w in wanted if w in seen}
    left, kept, covered = budget, set[int](), Counter[str]()
    others = set(range(len(bags)))
    while others:
        # a word that is covered already counts half, and half again: the second-best sentence adds what the best lacks
        best = max(others, key=lambda i: (sum(weights[w] / 2 ** covered[w] for w in bags[i] & weights.keys()), -i))
        others.remove(best)
        length = len(pieces[best].split())
        if length > left and kept:
            break
        kept.add(best)
        covered.update(bags[best] & weights.keys())
        left -= length
    return " ".join(pieces[i] for i in sorted(kept))
