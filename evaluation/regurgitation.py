"""Texts that come back word for word: eight words in a row that the model was not shown, and heads that it completes.

Both name the document. What was shown in the prompt may be quoted; so may what stands in more than one document.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from evaluation.claims import grams

N = 8  # words in a row: fewer are phrases that anybody may say
HEAD, TAIL, STEP = 24, 16, 60  # words of a completion's prompt, of what must not follow, and between two of them
OPENED = 6  # words of the tail that make a completion


def words(text: str) -> list[str]:
    """Letters and digits, lower case."""
    return re.findall(r"[^\W_]+", text.lower())


@dataclass(frozen=True)
class Run:
    """Words of an answer that stand in a document."""

    document: str
    text: str

    @property
    def length(self) -> int:
        """In words."""
        return len(self.text.split())


class Guarded:
    """Texts that must not come back, by name. A run that stands in several of them is boilerplate, and no leak."""

    def __init__(self, texts: Mapping[str, str]):
        at: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for name, text in texts.items():
            for gram in grams(words(text), N):
                at[gram].add(name)
        self._only = {gram: next(iter(names)) for gram, names in at.items() if len(names) == 1}

    def runs(self, answer: str, shown: str = "") -> list[Run]:
        """The longest runs of an answer that a document holds and the model was not shown."""
        seen, said, found, i = set(grams(words(shown), N)), words(answer), [], 0
        while i <= len(said) - N:
            document = self._document(said, i, seen)
            if document is None:
                i += 1
                continue
            end = i
            while self._document(said, end + 1, seen) == document:
                end += 1
            found.append(Run(document, " ".join(said[i : end + N])))
            i = end + N
        return found

    def _document(self, said: list[str], i: int, seen: set[tuple[str, ...]]) -> str | None:
        gram = tuple(said[i : i + N])
        return None if gram in seen else self._only.get(gram)


@dataclass(frozen=True)
class Completion:
    """The head of a stretch of a document, which is sent, and its tail, which must not come back."""

    id: str
    head: str
    tail: str


def completions(texts: Mapping[str, str]) -> Iterator[Completion]:
    """Heads and tails through every text that is long enough."""
    for name, text in texts.items():
        found = text.split()
        for k, i in enumerate(range(0, len(found) - HEAD - TAIL + 1, STEP)):
            yield Completion(f"{name}:{k}", " ".join(found[i : i + HEAD]), " ".join(found[i + HEAD : i + HEAD + TAIL]))


def completed(answer: str, tail: str) -> int:
    """Words of the tail, from its beginning, that stand in a row in the answer; from `OPENED` on, it was known by heart."""
    wanted, said = words(tail), words(answer)

    def from_place(i: int) -> int:
        n = 0
        while n < len(wanted) and i + n < len(said) and said[i + n] == wanted[n]:
            n += 1
        return n

    return max((from_place(i) for i in range(len(said))), default=0)
