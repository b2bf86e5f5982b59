"""Compare a judge with people, scale it, and decide where it may block.

Half of the groups (documents, conversations) set the scaling and the threshold, the other half is reported. A judge is
admitted on a domain only where the lower bounds of its AUROC and of its kappa pass `AUROC` and `KAPPA` there, on at least
`LEAST` reported claims; elsewhere it is advisory, which every report says.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from common.contracts import Estimate, Record
from common.errors import BadInput
from evaluation import agreement
from evaluation.agreement import Floats, Scaling
from evaluation.labelled import MEND, Claim, half

# Thresholds of admission: a kappa of .6 is where "substantial" agreement begins (Landis and Koch 1977), which is about what
# two annotators of such claims reach with each other; an AUROC of .8 means that four in five pairs are put in order.
AUROC, KAPPA, LEAST = 0.80, 0.60, 200


class Judge(Protocol):
    """Whatever scores claims: higher means grounded."""

    name: str

    def scores(self, claims: Sequence[Claim]) -> Floats:
        """claims (n) -> raw scores (n,)."""
        ...


class Admission(Record):
    """Whether a judge may block on a domain, and the numbers that say so."""

    domain: str
    may_block: bool
    why: str
    n: int
    measures: dict[str, Estimate]


class Card(Record):
    """A judge's calibration: what CI reads. `data` is the sha256 of the labelled claims."""

    schema_version: Literal[1] = 1
    judge: str
    version: str
    data: str
    scaling: str
    curve_x: tuple[float, ...]
    curve_y: tuple[float, ...]
    threshold: float
    overall: dict[str, Estimate]
    ece_unscaled: Estimate
    sources: dict[str, dict[str, Estimate]]
    admissions: list[Admission]

    def probability(self, scores: Floats) -> Floats:
        """Raw scores -> P(grounded)."""
        return Scaling(self.scaling, self.curve_x, self.curve_y)(scores)

    def admission(self, domain: str) -> Admission:
        """That of a domain; one that was never measured is not admitted."""
        known = {a.domain: a for a in self.admissions}
        never = f"never compared with people on {domain}"
        return known.get(domain) or Admission(domain=domain, may_block=False, why=never, n=0, measures={})


@dataclass(frozen=True)
class Calibration:
    """A card, and what its page draws: bins of (said, happened) before and after scaling."""

    card: Card
    curves: dict[str, list[tuple[float, Estimate]]] = field(default_factory=dict)


def calibrate(judge: Judge, version: str, claims: Sequence[Claim], resamples: int = 1000) -> Calibration:
    """Score every claim once; fit on one half of the groups, report on the other."""
    return concluded(judge.name, version, claims, judge.scores(claims), resamples)


def concluded(name: str, version: str, claims: Sequence[Claim], scores: Floats, resamples: int = 1000) -> Calibration:
    """The calibration of scores that are known. BadInput where a half has one label only."""
    truth = np.array([c.grounded for c in claims], float)
    groups = np.array([c.group for c in claims])
    first = np.array([half(g) == 0 for g in groups])
    for part in (first, ~first):
        if len(np.unique(truth[part])) < 2:
            raise BadInput("one half of the groups has one label only", f"more groups than {len(set(groups))}; {MEND}")
    scaling = chosen(scores[first], truth[first], groups[first])
    p = scaling(scores)
    at = agreement.cut(p[first], truth[first], np.array([c.source for c in claims])[first])
    plain = unscaled(scores, first)
    rest = ~first

    def of(rows: Any) -> dict[str, Estimate]:
        return agreement.measures(truth[rows], scores[rows], p[rows], at, groups[rows], resamples)

    def parts(key: str) -> dict[str, Any]:
        """Value -> its reported rows, where they have both labels: one label alone says nothing."""
        values = np.array([getattr(c, key) for c in claims])
        found = {v: rest & (values == v) for v in dict.fromkeys(values.tolist())}
        return {v: rows for v, rows in found.items() if len(np.unique(truth[rows])) == 2}

    admissions = [admitted(d, of(rows), int(rows.sum())) for d, rows in parts("domain").items()]
    card = Card(
        judge=name, version=version, data=fingerprint(claims), scaling=scaling.kind, curve_x=scaling.x, curve_y=scaling.y,
        threshold=at, overall=of(rest), ece_unscaled=agreement.estimate(agreement.ece, truth[rest], plain[rest], groups[rest], resamples),
        sources={s: of(rows) for s, rows in parts("source").items()}, admissions=admissions,
    )  # fmt: skip
    curves = {
        "before scaling": agreement.reliability(truth[rest], plain[rest]),
        "after": agreement.reliability(truth[rest], p[rest]),
    }
    return Calibration(card, curves)


def unscaled(scores: Floats, first: Any) -> Floats:
    """A score read as a probability as it is; one that is none is squeezed between the least and the largest seen."""
    if scores.min() >= 0 and scores.max() <= 1:
        return scores
    low, high = scores[first].min(), scores[first].max()
    return np.clip((scores - low) / max(high - low, 1e-9), 0, 1)


def chosen(scores: Floats, truth: Floats, groups: Any) -> Scaling:
    """Platt or isotonic, whichever says less wrong things (log loss) about groups that it was not fitted on."""
    fold = np.array([half(g, seed=1) for g in groups])
    losses = {}
    for kind, fit in agreement.SCALINGS.items():
        total = 0.0
        for k in (0, 1):
            own, other = fold == k, fold != k
            if len(np.unique(truth[own])) < 2:
                return agreement.platt(scores, truth)
            p = np.clip(fit(scores[own], truth[own])(scores[other]), 1e-3, 1 - 1e-3)
            total -= float((truth[other] * np.log(p) + (1 - truth[other]) * np.log(1 - p)).sum())
        losses[kind] = total
    return agreement.SCALINGS[min(losses, key=lambda kind: losses[kind])](scores, truth)


def admitted(domain: str, measures: dict[str, Estimate], n: int) -> Admission:
    """The verdict on one domain, with its reason."""
    short = [
        f"{name} at least {measures[name].low:.2f}, {wanted:.2f} is asked"
        for name, wanted in (("auroc", AUROC), ("kappa", KAPPA))
        if not measures[name].low >= wanted
    ]
    if n < LEAST:
        short.append(f"{n} labelled claims in the reported half, {LEAST} are asked")
    why = "; ".join(short) or f"AUROC {measures['auroc']}, kappa {measures['kappa']} on {n} claims"
    return Admission(domain=domain, may_block=not short, why=why, n=n, measures=measures)


def fingerprint(claims: Sequence[Claim]) -> str:
    """sha256 over the labelled claims."""
    digest = hashlib.sha256()
    for c in claims:
        digest.update(repr((c.text, c.passages, c.question, c.grounded, c.source, c.group, c.domain)).encode())
    return digest.hexdigest()


def load_card(path: Path) -> Card:
    """A card from its file."""
    return Card.load(path, "python -m evaluation calibrate --judge NAME --data labelled.jsonl")
