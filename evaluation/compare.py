"""Judges side by side on the same labelled claims: AUROC by source, and whether the difference is more than chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from common import stats
from common.contracts import Estimate
from evaluation.agreement import Floats, balanced_accuracy
from evaluation.baselines import Regression
from evaluation.labelled import Claim

# Sources of one origin count as one: they were made, and labelled, in one way. SummEdits' six come in three kinds of text.
FAMILIES = {
    "summedits_news": "SummEdits, articles and mails", "summedits_sales_email": "SummEdits, articles and mails",
    "summedits_podcast": "SummEdits, podcasts", "summedits_qmsumm": "SummEdits, dialogues",
    "summedits_sales_call": "SummEdits, dialogues", "summedits_samsum": "SummEdits, dialogues", "qags_cnndm": "QAGS-CNN",
    "begin_dev_cmu": "BEGIN", "begin_dev_tc": "BEGIN", "faithdial_cmu": "FaithDial", "faithdial_topical": "FaithDial",
    "climate_fever": "Climate-FEVER", "halueval_qa": "HaluEval QA",
}  # fmt: skip


def family(claim: Claim) -> str:
    """Where a claim comes from; a source that nobody named is its own family."""
    return FAMILIES.get(claim.source, claim.source)


@dataclass(frozen=True)
class Versus:
    """One family: AUROC of the judge and of the best baseline, and the paired difference."""

    family: str
    judge: Estimate
    best: str
    baseline: Estimate
    difference: Estimate

    @property
    def better(self) -> bool:
        """The whole interval above zero."""
        return self.difference.low > 0


def by_family(
    claims: Sequence[Claim], judge: Floats, baselines: Mapping[str, Floats], resamples: int = 2000
) -> list[Versus]:
    """Every family with both labels; documents resampled as wholes. The best baseline is chosen on the same claims, which
    favours it."""
    names = np.array([family(c) for c in claims])
    truth, groups = np.array([c.grounded for c in claims], float), np.array([c.group for c in claims])
    found = []
    for name in dict.fromkeys(names.tolist()):
        rows = names == name
        if len(np.unique(truth[rows])) < 2:
            continue
        values = {b: stats.auc(truth[rows], s[rows]) for b, s in baselines.items()}
        best = max(values, key=lambda b: values[b])

        def auroc(scores: Floats, rows: np.ndarray = rows) -> Estimate:
            return stats.bootstrap(
                stats.auc, truth[rows], scores[rows], clusters=groups[rows], resamples=resamples, within=(0, 1)
            )

        difference = stats.bootstrap(
            lambda y, a, b: stats.auc(y, a) - stats.auc(y, b), truth[rows], judge[rows], baselines[best][rows],
            clusters=groups[rows], resamples=resamples,
        )  # fmt: skip
        found.append(Versus(name, auroc(judge), best, auroc(baselines[best]), difference))
    return found


def balanced_by_family(claims: Sequence[Claim], said: Floats) -> list[float]:
    """Balanced accuracy of verdicts (0 or 1) in every family with both labels; their mean is what AggreFact's table compares."""
    names, truth = np.array([family(c) for c in claims]), np.array([c.grounded for c in claims], float)
    parts = [names == name for name in dict.fromkeys(names.tolist())]
    return [balanced_accuracy(truth[p], said[p]) for p in parts if len(np.unique(truth[p])) == 2]


def regression_elsewhere(claims: Sequence[Claim]) -> Floats:
    """The lexical regression's scores, each family's by one that was fitted on the others."""
    names = np.array([family(c) for c in claims])
    scores = np.zeros(len(claims))
    for name in dict.fromkeys(names.tolist()):
        own = names == name
        fitted = Regression([c for c, o in zip(claims, own, strict=True) if not o])
        scores[own] = fitted.scores([c for c, o in zip(claims, own, strict=True) if o])
    return scores


def mean_auroc(found: Sequence[Versus]) -> float:
    """Every family counts the same."""
    return float(np.mean([v.judge.value for v in found]))
