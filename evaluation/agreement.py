"""How far a judge agrees with people: the numbers of its calibration, and the scaling from scores to probabilities."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common import stats
from common.contracts import Estimate

BINS = 10
Floats = NDArray[np.float64]


def confusion(truth: Floats, said: Floats) -> tuple[float, float, float, float]:
    """(true positives, false positives, false negatives, true negatives); "positive" is "grounded"."""
    t, s = truth > 0.5, said > 0.5
    return float((t & s).sum()), float((~t & s).sum()), float((t & ~s).sum()), float((~t & ~s).sum())


def sensitivity(truth: Floats, said: Floats) -> float:
    """Share of the grounded claims that pass."""
    tp, _, fn, _ = confusion(truth, said)
    return tp / (tp + fn) if tp + fn else float("nan")


def specificity(truth: Floats, said: Floats) -> float:
    """Share of the unsupported claims that are caught."""
    _, fp, _, tn = confusion(truth, said)
    return tn / (tn + fp) if tn + fp else float("nan")


def balanced_accuracy(truth: Floats, said: Floats) -> float:
    """Mean of the two; .5 is chance."""
    return (sensitivity(truth, said) + specificity(truth, said)) / 2


def kappa(truth: Floats, said: Floats) -> float:
    """Cohen's kappa: agreement beyond what the two shares of "grounded" give by chance."""
    tp, fp, fn, tn = confusion(truth, said)
    n = tp + fp + fn + tn
    by_chance = ((tp + fp) * (tp + fn) + (fn + tn) * (fp + tn)) / n**2
    return ((tp + tn) / n - by_chance) / (1 - by_chance) if by_chance < 1 else float("nan")


def bins(p: Floats) -> list[NDArray[np.intp]]:
    """Rows in bins of equal mass, by rising probability. Equal probabilities share a bin, because their order in the file says
    nothing; what is left between two such lumps, too little to say anything, joins the bin before it."""
    from scipy.stats import rankdata

    place = ((rankdata(p) - 0.5) * BINS / len(p)).astype(int)
    found: list[NDArray[np.intp]] = []
    for rows in (np.flatnonzero(place == k) for k in range(BINS)):
        if found and min(len(rows), len(found[-1])) < len(p) / BINS / 4:
            found[-1] = np.concatenate([found[-1], rows])
        elif len(rows):
            found.append(rows)
    return found


def ece(truth: Floats, p: Floats) -> float:
    """Expected calibration error in bins of equal mass: the mean distance of what was said and what happened."""
    return float(sum(abs(truth[part].mean() - p[part].mean()) * len(part) for part in bins(p)) / len(p))


def reliability(truth: Floats, p: Floats) -> list[tuple[float, Estimate]]:
    """(mean probability, share grounded with its exact interval) of each bin."""
    return [(float(p[part].mean()), stats.proportion(int(truth[part].sum()), len(part))) for part in bins(p)]


@dataclass(frozen=True)
class Scaling:
    """From a judge's score to P(grounded): Platt's logistic curve (a, b), or an isotonic staircase (knots x, y)."""

    kind: str
    x: tuple[float, ...]
    y: tuple[float, ...] = ()

    def __call__(self, scores: Floats) -> Floats:
        """scores (n,) -> probabilities (n,)."""
        if self.kind == "platt":
            return np.asarray(1 / (1 + np.exp(-(self.x[0] * scores + self.x[1]))))
        return np.interp(scores, self.x, self.y)


def platt(scores: Floats, truth: Floats) -> Scaling:
    """Platt (1999), nearly unpenalised."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e4, max_iter=1000).fit(scores[:, None], truth > 0.5)
    return Scaling("platt", (float(fitted.coef_[0, 0]), float(fitted.intercept_[0])))


def isotonic(scores: Floats, truth: Floats) -> Scaling:
    """Isotonic regression: any shape that rises; wants more data than Platt's two numbers."""
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(out_of_bounds="clip").fit(scores, truth)
    return Scaling("isotonic", tuple(map(float, fitted.X_thresholds_)), tuple(map(float, fitted.y_thresholds_)))


SCALINGS: dict[str, Callable[[Floats, Floats], Scaling]] = {"platt": platt, "isotonic": isotonic}


def cut(p: Floats, truth: Floats, sources: Any) -> float:
    """The threshold with the best balanced accuracy, every source counted the same: sources differ in how much of them is
    grounded, and a threshold over all rows would tell sources apart instead of claims. Its middle, where several are as good."""
    parts = [sources == s for s in np.unique(sources)]
    parts = [part for part in parts if len(np.unique(truth[part])) == 2] or [np.ones(len(p), bool)]
    grid = np.unique(np.quantile(p, np.linspace(0, 1, 201)))
    middles = (grid[1:] + grid[:-1]) / 2 if len(grid) > 1 else grid
    values = np.array(
        [np.mean([balanced_accuracy(truth[part], (p[part] >= at).astype(float)) for part in parts]) for at in middles]
    )
    best = middles[values >= values.max() - 1e-12]
    return float(best[len(best) // 2])


def estimate(statistic: Callable[..., float], truth: Floats, column: Floats, groups: Any, resamples: int) -> Estimate:
    """One number with its interval, groups resampled as wholes."""
    within = (-1.0, 1.0) if statistic is kappa else (0.0, 1.0)
    return stats.bootstrap(statistic, truth, column, clusters=groups, resamples=resamples, within=within)


def measures(truth: Floats, scores: Floats, p: Floats, at: float, groups: Any, resamples: int = 1000) -> dict[str, Estimate]:  # fmt: skip
    """Every number with its interval. scores order the claims, p are probabilities."""
    said = (p >= at).astype(float)

    def of(statistic: Callable[..., float], column: Floats) -> Estimate:
        return estimate(statistic, truth, column, groups, resamples)

    return {
        "auroc": of(stats.auc, scores), "balanced_accuracy": of(balanced_accuracy, said), "kappa": of(kappa, said),
        "sensitivity": of(sensitivity, said), "specificity": of(specificity, said), "ece": of(ece, p),
    }  # fmt: skip
