"""A judge with its card: what the rest of the room asks. Scores become probabilities, and verdicts at the card's threshold.

A judge without a card works and is advisory everywhere: nobody has compared it with people.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from common.contracts import Estimate
from evaluation.calibrate import Admission, Card, Judge
from evaluation.claims import Span
from evaluation.labelled import Claim
from evaluation.local import Local

UNKNOWN = Estimate(value=float("nan"), low=float("nan"), high=float("nan"), n=0)


@dataclass(frozen=True)
class Verdict:
    """p: P(grounded). marks: the words that nothing supports, where the judge can tell."""

    p: float
    passed: bool
    marks: tuple[Span, ...] = ()


@dataclass
class Grounded:
    """Asks a judge once for every claim, whoever wants to know."""

    judge: Judge
    card: Card
    _known: dict[Claim, Verdict] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The judge's."""
        return self.judge.name

    def verdicts(self, claims: Sequence[Claim]) -> list[Verdict]:
        """One for each claim."""
        missing = [c for c in dict.fromkeys(claims) if c not in self._known]
        if missing:
            readings = self.judge.read(missing) if isinstance(self.judge, Local) else None
            scores = np.array([r.score for r in readings]) if readings else self.judge.scores(missing)
            marks = [r.marks for r in readings] if readings else [()] * len(missing)
            for claim, p, marked in zip(missing, self.card.probability(scores), marks, strict=True):
                self._known[claim] = Verdict(float(p), bool(p >= self.card.threshold), marked)
        return [self._known[c] for c in claims]

    def one(self, text: str, passages: Sequence[str], question: str = "") -> Verdict:
        """The verdict on one answer."""
        return self.verdicts([Claim(text, tuple(passages), question)])[0]

    def admission(self, domain: str) -> Admission:
        """Whether it may block there."""
        return self.card.admission(domain)


def uncalibrated(judge: Judge, version: str = "") -> Grounded:
    """A judge that nobody compared with people: its score is read as a probability, .5 and more passes."""
    card = Card(
        judge=judge.name, version=version, data="", scaling="isotonic", curve_x=(0.0, 1.0), curve_y=(0.0, 1.0), threshold=0.5,
        overall={}, ece_unscaled=UNKNOWN, sources={}, admissions=[],
    )  # fmt: skip
    return Grounded(judge, card)
