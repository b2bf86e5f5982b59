"""Judges that anybody can write in an afternoon: what a trained one has to beat. Scores are raw; higher is "grounded"."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from common.encoder import Encoder
from evaluation.agreement import Floats
from evaluation.claims import grams, sentences, words
from evaluation.labelled import Claim
from evaluation.numerals import numbers


@dataclass(frozen=True)
class Overlap:
    """Share of the claim's content words, or of its pairs of words, that the passages hold."""

    name: str
    size: int

    def scores(self, claims: Sequence[Claim]) -> Floats:
        """claims (n) -> (n,) in [0, 1]; 1 where the claim has nothing to look for."""
        return np.array([self.one(c) for c in claims])

    def one(self, claim: Claim) -> float:
        """One claim."""
        wanted, held = (grams(words(text), self.size) for text in (claim.text, "\n".join(claim.passages)))
        known = set(held)
        return float(np.mean([g in known for g in wanted])) if wanted else 1.0


@dataclass(frozen=True)
class Cosine:
    """Similarity of meaning of the claim and the nearest sentence, by a sentence encoder."""

    encoder: Encoder
    name: str = "cosine"

    def scores(self, claims: Sequence[Claim]) -> Floats:
        """claims (n) -> (n,) in [-1, 1]."""
        pieces = {c.passages: [s.text for p in c.passages for s in sentences(p)] or [""] for c in claims}
        texts = list(dict.fromkeys([*(c.text for c in claims), *(s for found in pieces.values() for s in found)]))
        vectors = dict(zip(texts, self.encoder(texts), strict=True))
        passages = {key: np.stack([vectors[s] for s in found]) for key, found in pieces.items()}
        return np.array([float((passages[c.passages] @ vectors[c.text]).max()) for c in claims])


def features(claims: Sequence[Claim]) -> Floats:
    """What a lexical regression sees, (n, 6): overlap of words and pairs, numbers and names that the passages lack, negation,
    length."""
    found = []
    for c in claims:
        text = "\n".join(c.passages)
        missing = numbers(c.text) - numbers(text)
        names = [w for w in c.text.split()[1:] if w[:1].isupper()]
        unknown = [w for w in names if w.strip(".,;:!?'\"()").lower() not in text.lower()]
        negations = sum(w in ("not", "no", "never", "without") or w.endswith("n't") for w in c.text.lower().split())
        found.append([
            Overlap("", 1).one(c), Overlap("", 2).one(c), len(missing), len(unknown) / max(1, len(names)), negations,
            np.log1p(len(c.text.split())),
        ])  # fmt: skip
    return np.array(found, float)


class Regression:
    """A logistic regression on `features`, fitted on labelled claims."""

    name = "lexical regression"

    def __init__(self, claims: Sequence[Claim]):
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        truth = [c.grounded for c in claims]
        self._model = make_pipeline(StandardScaler(), LogisticRegression()).fit(features(claims), truth)

    def scores(self, claims: Sequence[Claim]) -> Floats:
        """claims (n) -> (n,) in [0, 1]."""
        return np.asarray(self._model.predict_proba(features(claims))[:, 1])


def untrained(encoder: Callable[[], Encoder]) -> dict[str, Callable[[], Overlap | Cosine]]:
    """Those that need no labels, by name."""
    return {
        "token-overlap": lambda: Overlap("token-overlap", 1),
        "bigram-overlap": lambda: Overlap("bigram-overlap", 2),
        "cosine": lambda: Cosine(encoder()),
    }
