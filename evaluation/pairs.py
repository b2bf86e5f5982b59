"""Training pairs for the local judge, out of any texts: a claim, its context, and the words that nothing supports.

A claim is a sentence of the text, changed so that it stays true (`faithful`) or does not (`corrupted`). Besides: a true
sentence whose own passage was taken away, sentences of other texts, short answers to questions, and small talk, which no
passage supports. They are written as Parquet, for training.
"""

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from common import console, files
from evaluation import draft as drafts
from evaluation.corrupt import NAMES, QUANTITIES, Surroundings, corrupted, surroundings
from evaluation.draft import Draft, Word
from evaluation.faithful import faithful

WORDS = (30, 130)  # of a context: least and most
SHARES = {"faithful": 0.39, "corrupted": 0.35, "bereft": 0.09, "foreign": 0.05, "answer": 0.09, "talk": 0.03}
TALK = (
    "i love {n}!", "Do you like {n}?", "I have never heard of {n} before.", "what do you think about {n}?",
    "I haven't been there, but I would like to go.", "I think {n} is really interesting.", "yes, i have seen it a few times.",
    "That is so cool, I had no idea about {n}.", "My favourite is {n}, my brother told me about it.",
    "I don't know much about {n}, do you?", "i'm not a huge fan of {n}.", "no, but i heard that {n} is very expensive.",
    "How are you doing today?", "I wonder who came up with {n}.", "that sounds great, i would love to try {n}",
    "I agree, {n} was the best part for me.",
)  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """One row. spans: characters of the claim; group: the text that it came from."""

    context: str
    claim: str
    spans: list[tuple[int, int]]
    kind: str
    group: str

    @property
    def grounded(self) -> int:
        """1 where nothing is wrong."""
        return int(not self.spans)


@cache
def parser() -> Any:
    """The packaged spaCy model."""
    import spacy

    from evaluation.pii import SPACY_MODEL

    return spacy.load(SPACY_MODEL)


@dataclass(frozen=True)
class Text:
    """A parsed text."""

    group: str
    sentences: list[Any]


def parse(texts: Iterable[tuple[str, str]]) -> list[Text]:
    """(group, text) -> parsed, without those that hold no sentence."""
    known = list(texts)
    made: list[Text] = []
    with console.progress("parsing", len(known)) as advance:
        for (group, _), parsed in zip(known, parser().pipe([t for _, t in known], batch_size=64), strict=True):
            found = [s for s in parsed.sents if len(s.text.strip()) > 10]
            made += [Text(group, found)] if found else []
            advance(1)
    return made


def window(sentences: Sequence[Any], k: int, most: int, chance: random.Random) -> list[int]:
    """Places of sentences around the k-th, at most so many words."""
    low = high = k
    n = len(sentences[k])
    while True:
        beside = [i for i in (low - 1, high + 1) if 0 <= i < len(sentences)]
        i = chance.choice(beside) if beside else -1
        if i < 0 or n + len(sentences[i]) > most:
            return list(range(low, high + 1))
        n, low, high = n + len(sentences[i]), min(low, i), max(high, i)


def joined(sentences: Sequence[Any], places: Iterable[int]) -> str:
    """Their texts."""
    return " ".join(sentences[i].text.strip() for i in places)


class Maker:
    """Draws pairs from parsed texts."""

    def __init__(self, texts: Sequence[Text], seed: int):
        self._texts, self._chance = texts, random.Random(seed)  # noqa: S311  (a draw, no secret)
        self._weights = [len(t.sentences) for t in texts]
        self._around = surroundings([s for t in texts for s in t.sentences])

    def one(self) -> Pair | None:
        """A pair, or None where the draw gave none."""
        chance = self._chance
        text = chance.choices(self._texts, self._weights)[0]
        whole = [
            k for k, s in enumerate(text.sentences) if 6 <= len(s) <= 45 and any(t.pos_ in ("VERB", "AUX") for t in s)
        ]
        if not whole:
            return None
        k = chance.choice(whole)
        places = window(text.sentences, k, chance.randint(*WORDS), chance)
        kind = chance.choices(list(SHARES), list(SHARES.values()))[0]
        made = getattr(self, kind)(text, k, places)
        if made is None:
            return None
        context, (claim, spans) = made
        claim, spans = tired(claim, spans, chance)
        return Pair(context, claim, spans, kind, text.group) if claim else None

    def faithful(self, text: Text, k: int, places: list[int]) -> Any:
        """True, and said in another way."""
        made = faithful(drafts.of(text.sentences[k]), self._chance)
        return joined(text.sentences, places), drafts.render(made)

    def corrupted(self, text: Text, k: int, places: list[int]) -> Any:
        """Changed so that it is no longer true."""
        made = corrupted(
            faithful(drafts.of(text.sentences[k]), self._chance), self._near(text, k, places), self._chance
        )
        return (joined(text.sentences, places), drafts.render(made[1])) if made else None

    def bereft(self, text: Text, k: int, places: list[int]) -> Any:
        """True, and its own sentence is not in the context: what no other sentence says is unsupported."""
        rest = [i for i in places if i != k]
        if len(rest) < 2:
            return None
        made = without(
            faithful(drafts.of(text.sentences[k]), self._chance), [t for i in rest for t in text.sentences[i]]
        )
        return (joined(text.sentences, rest), drafts.render(made)) if sum(w.wrong for w in made) > 1 else None

    def foreign(self, text: Text, k: int, places: list[int]) -> Any:
        """Beside a context that has nothing to do with it."""
        other = self._chance.choice(self._texts)
        if other.group == text.group:
            return None
        there = window(other.sentences, self._chance.randrange(len(other.sentences)), WORDS[1], self._chance)
        made = without(drafts.of(text.sentences[k]), [t for i in there for t in other.sentences[i]])
        return (joined(other.sentences, there), drafts.render(made)) if any(w.wrong for w in made) else None

    def answer(self, text: Text, k: int, places: list[int]) -> Any:
        """A question that a name or number was cut out of, with that or another as the answer."""
        chance, sentence = self._chance, text.sentences[k]
        found = [e for e in sentence.ents if e.label_ in NAMES + QUANTITIES and len(e) <= 5]
        if not found:
            return None
        e = chance.choice(found)
        said, at = sentence.text.strip(), sentence.text.strip().find(e.text)
        asked = {"PERSON": "who", "DATE": "when", "CARDINAL": "how many"}.get(e.label_, "what")
        question = f"Question: {said[:at]}{asked}{said[at + len(e.text) :].rstrip('.')}?"
        true, reply = chance.random() < 0.5, e.text
        if not true:
            near = [
                x.text for i in places for x in text.sentences[i].ents if x.label_ == e.label_ and x.text not in said
            ]
            pool = near if near and chance.random() < 0.6 else self._around.names.get(e.label_, [])
            reply = chance.choice(pool) if pool else e.text
            if reply.lower() in e.text.lower() or e.text.lower() in reply.lower():
                return None
        lead = chance.choice(["", "", "", "It is ", "The answer is ", "That was "])
        spans = [] if true else [(len(lead), len(lead) + len(reply))]
        return f"{joined(text.sentences, places)}\n{question}", (f"{lead}{reply}{'.' if lead else ''}", spans)

    def talk(self, text: Text, k: int, places: list[int]) -> Any:
        """An opinion or a question about the topic."""
        nouns = [c.text for i in places for c in text.sentences[i].noun_chunks if len(c) <= 3]
        if not nouns:
            return None
        noun, form = self._chance.choice(nouns), self._chance.choice(TALK)
        before, found, _ = form.partition("{n}")
        claim = form.format(n=noun)
        middle = (len(before), len(before) + len(noun)) if found else (0, 0)
        spans = [s for s in ((0, middle[0]), (middle[1], len(claim))) if s[1] > s[0]]
        return joined(text.sentences, places), (claim, spans)

    def _near(self, text: Text, k: int, places: list[int]) -> Surroundings:
        """What a corruption may take: from the passage, from another place of the text, or from another text."""
        chance = self._chance
        other = text if chance.random() < 0.6 else chance.choice(self._texts)
        far = [s for i, s in enumerate(other.sentences) if other.group != text.group or i not in places]
        return Surroundings(
            self._around.names, self._around.words,
            [(e.text, e.label_) for i in places for e in text.sentences[i].ents],
            [(t.text, t.tag_) for i in places if i != k for t in text.sentences[i] if t.pos_ in ("NOUN", "VERB", "ADJ") and t.is_alpha],
            chance.choice(far) if far else None,
        )  # fmt: skip


def without(draft: Draft, held: Sequence[Any]) -> Draft:
    """Mark the content words and numbers that the tokens `held` do not have."""
    known = {t.lower_ for t in held} | {t.lemma_.lower() for t in held}

    def missing(word: Word) -> bool:
        t = word.token
        if t is None:
            return False
        content = t.pos_ in ("NOUN", "VERB", "ADJ", "PROPN", "NUM", "ADV") or bool(re.search(r"\d", t.text))
        return content and t.lower_ not in known and t.lemma_.lower() not in known

    return [Word(w.text, w.space, w.wrong or missing(w), w.token) for w in draft]


def tired(claim: str, spans: list[tuple[int, int]], chance: random.Random) -> tuple[str, list[tuple[int, int]]]:
    """Some claims in lower case, some without their full stop: people and models write so."""
    if chance.random() < 0.12:
        claim = claim.lower()
    if chance.random() < 0.1:
        claim = claim.rstrip(".")
    return claim, [(a, min(b, len(claim))) for a, b in spans if a < len(claim)]


def make(texts: Sequence[Text], n: int, seed: int) -> list[Pair]:
    """n pairs; the same texts, number and seed give the same ones."""
    maker, made = Maker(texts, seed), list[Pair]()
    with console.progress("pairs", n) as advance:
        while len(made) < n:
            pair = maker.one()
            if pair:
                made.append(pair)
                advance(1)
    return made


def write(pairs: Sequence[Pair], path: Path) -> Path:
    """Parquet, all or nothing: context, claim, grounded, spans, kind, group."""
    import pandas as pd

    rows = pd.DataFrame([asdict(p) | {"grounded": p.grounded, "spans": [list(s) for s in p.spans]} for p in pairs])
    return files.write_bytes(path, rows.to_parquet())
