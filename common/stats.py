"""Intervals and paired tests: the error bars behind every number in the kit. Pure functions on arrays.

Bootstrap: percentile intervals, resampling whole clusters (documents, goals, blocks of days) because rows of one
cluster are not independent; with few clusters the percentile interval is too narrow, so its halves are widened by the
small-sample factor of a t interval (`small_sample`). It is still an approximation: see the coverage test. Paired tests:
McNemar's, exact or mid-p, and sign flips where cases come in clusters or scores are no yes or no. Several tests at once:
Holm (1979) for gates, Benjamini and Hochberg (1995) for screens.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from common.contracts import Estimate


def bootstrap(
    statistic: Callable[..., float],
    *columns: ArrayLike,
    clusters: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
    within: tuple[float, float] = (-np.inf, np.inf),
) -> Estimate:
    """95 % percentile interval of `statistic(*columns)`, resampling clusters (rows, where none are given).

    columns: arrays of one length n, resampled together, so that a paired difference stays paired.
    A resample on which the statistic is not defined (one class only) is left out. within: the values that the statistic can
    take; the interval ends there.
    Raises ValueError for no rows or columns of different lengths.
    """
    arrays = [np.asarray(column) for column in columns]
    n = len(arrays[0])
    if n == 0 or any(len(a) != n for a in arrays):
        raise ValueError(f"columns of lengths {[len(a) for a in arrays]}: need one common length above 0")
    _, labels = np.unique(np.arange(n) if clusters is None else np.asarray(clusters), return_inverse=True)
    rows_of = np.split(np.argsort(labels, kind="stable"), np.cumsum(np.bincount(labels))[:-1])
    random = np.random.default_rng(seed)
    values = []
    for _ in range(resamples):
        picked = random.integers(0, len(rows_of), len(rows_of))
        rows = picked if clusters is None else np.concatenate([rows_of[i] for i in picked])
        try:
            values.append(statistic(*(a[rows] for a in arrays)))
        except ValueError:
            continue
    finite = np.asarray(values)[np.isfinite(values)] if values else np.array([])
    value = float(statistic(*arrays))
    # one cluster says nothing about how clusters differ: no interval is better than one of width zero
    low, high = np.quantile(finite, [0.025, 0.975]) if len(finite) and len(rows_of) > 1 else (np.nan, np.nan)
    wider = small_sample(len(rows_of))
    low, high = np.clip([value - wider * (value - low), value + wider * (high - value)], *within)
    return Estimate(value=value, low=float(low), high=float(high), n=n)


def small_sample(clusters: int) -> float:
    """Factor by which a percentile interval over few clusters is too narrow: t instead of normal, G / (G - 1) for the variance."""
    from scipy.stats import norm, t

    return (
        float(t.ppf(0.975, clusters - 1) / norm.ppf(0.975) * np.sqrt(clusters / (clusters - 1)))
        if clusters > 1
        else 1.0
    )


def mean(values: ArrayLike, clusters: ArrayLike | None = None) -> Estimate:
    """A mean with its bootstrap interval."""
    v = np.asarray(values, float)
    if clusters is not None or not 1 < len(v) <= 5000:
        return bootstrap(lambda v: float(np.mean(v)), v, clusters=clusters)
    value, wider = float(v.mean()), small_sample(len(v))  # rows: one product gives every resample's mean
    low, high = np.quantile(resamples(len(v)) @ v, [0.025, 0.975])
    return Estimate(value=value, low=value - wider * (value - float(low)), high=value + wider * (float(high) - value), n=len(v))  # fmt: skip


@lru_cache(maxsize=4)
def resamples(n: int, times: int = 2000, seed: int = 0) -> NDArray[Any]:
    """Weights of n rows in each of `times` resamples: (times, n), each row sums to 1."""
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), times) / n


def proportion(successes: int, n: int) -> Estimate:
    """A rate with the exact (Clopper-Pearson) interval: honest at 0 of n, where a bootstrap says [0, 0]."""
    low, high = clopper_pearson(successes, n)
    return Estimate(value=successes / n, low=low, high=high, n=n)


def clopper_pearson(successes: float, n: float) -> tuple[float, float]:
    """The exact interval of a rate; both numbers may be effective ones, not whole."""
    from scipy.special import betaincinv

    low = betaincinv(successes, n - successes + 1, 0.025) if successes > 0 else 0.0
    high = betaincinv(successes + 1, n - successes, 0.975) if successes < n else 1.0
    return float(low), float(high)


def share(passed: ArrayLike, clusters: ArrayLike) -> Estimate:
    """A rate of cases that come in clusters (documents), (n,) of 0 and 1: the exact interval of so many independent cases as
    would vary as much (Korn and Graubard 1998). It stays within 0 and 1; where all agree, a cluster counts as one case."""
    from scipy.stats import t

    v = np.asarray(passed, float)
    n, many, value = len(v), len(np.unique(clusters)), float(v.mean())
    effective = worth(v, clusters)
    if 0 < value < 1 and many > 1:
        effective = min(float(n), effective * float(t.ppf(0.975, n - 1) / t.ppf(0.975, many - 1)) ** 2)
    low, high = clopper_pearson(value * effective, effective)
    return Estimate(value=value, low=low, high=high, n=n)


def rate(values: ArrayLike, clusters: ArrayLike | None = None) -> Estimate:
    """The mean of numbers between 0 and 1, (n,): exact where they are yes and no, else by bootstrap; clusters are taken as wholes."""
    v = np.asarray(values, float)
    if not set(np.unique(v)) <= {0.0, 1.0}:
        return bootstrap(lambda v: float(np.mean(v)), v, clusters=clusters, within=(0.0, 1.0))
    return proportion(int(v.sum()), len(v)) if clusters is None else share(v, clusters)


def worth(values: ArrayLike, clusters: ArrayLike) -> float:
    """How many independent cases would leave the mean of these (n,), which come in clusters, as uncertain as it is (Kish 1965).
    At most n; where all agree, or there is one cluster, a cluster counts as one case."""
    v = np.asarray(values, float)
    _, labels = np.unique(np.asarray(clusters), return_inverse=True)
    n, many = len(v), int(labels.max()) + 1
    rest = v - v.mean()
    if many == 1 or not np.any(rest):
        return float(many)
    variance = float((np.bincount(labels, weights=rest) ** 2).sum()) * many / (many - 1) / n**2
    return min(float(n), float((rest**2).mean()) / variance) if variance else float(n)


def auc(y: ArrayLike, p: ArrayLike) -> float:
    """Area under the ROC curve, ties counted half (Mann-Whitney). ValueError where one class is absent."""
    from scipy.stats import rankdata

    outcome, ranks = np.asarray(y, bool), rankdata(p)
    positive, negative = int(outcome.sum()), int((~outcome).sum())
    if not positive or not negative:
        raise ValueError("one class is absent")
    return float((ranks[outcome].sum() - positive * (positive + 1) / 2) / (positive * negative))


def mcnemar(baseline: Sequence[bool], candidate: Sequence[bool]) -> float:
    """Exact McNemar p-value on paired pass/fail results, two-sided."""
    from scipy.stats import binomtest

    old, new = np.asarray(baseline, bool), np.asarray(candidate, bool)
    lost, won = int(np.sum(old & ~new)), int(np.sum(~old & new))
    if lost + won == 0:
        return 1.0
    return float(binomtest(lost, lost + won).pvalue)


def mcnemar_worse(baseline: Sequence[bool], candidate: Sequence[bool]) -> float:
    """One-sided mid-p McNemar p-value for "the candidate is worse": half of the probability of what was seen counts.

    The exact test wastes power where few cases change; mid-p holds the level in practice (Fagerland, Lydersen, Laake 2013).
    """
    from scipy.stats import binom

    old, new = np.asarray(baseline, bool), np.asarray(candidate, bool)
    lost, won = int(np.sum(old & ~new)), int(np.sum(~old & new))
    if lost + won == 0:
        return 1.0
    return float(binom.sf(lost, lost + won, 0.5) + 0.5 * binom.pmf(lost, lost + won, 0.5))


def sign_flip(differences: ArrayLike, clusters: ArrayLike | None = None, times: int = 10000, seed: int = 0) -> float:
    """One-sided p-value that paired scores fell: how often signs drawn by lot, one a cluster, give as low a sum.

    The change of a whole cluster is as likely up as down where nothing changed, however its cases hang together.
    """
    d = np.asarray(differences, float)
    _, labels = np.unique(np.arange(len(d)) if clusters is None else np.asarray(clusters), return_inverse=True)
    sums = np.bincount(labels, weights=d)
    sums = sums[sums != 0]
    if not len(sums):
        return 1.0
    random = np.random.default_rng(seed)
    if len(sums) <= 13:  # every way of drawing them
        signs = (np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums)) & 1) * 2 - 1
        return float(np.mean(signs @ sums <= sums.sum() + 1e-12))
    signs = random.integers(0, 2, (times, len(sums)), dtype=np.int8) * 2 - 1
    return float((1 + np.sum(signs @ sums <= sums.sum() + 1e-12)) / (times + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given."""
    order = np.argsort(p_values)
    m, adjusted, running = len(p_values), np.empty(len(p_values)), 0.0
    for rank, i in enumerate(order):
        running = max(running, (m - rank) * p_values[i])
        adjusted[i] = min(1.0, running)
    return [float(p) for p in adjusted]


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[Any]:
    """Adjusted p-values that hold the false discovery rate. Shape (m,) -> (m,)."""
    from scipy.stats import false_discovery_control

    return np.asarray(false_discovery_control(np.asarray(p_values, float), method="bh"))


def detectable_drop(discordant: float, n: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """Smallest drop in a pass rate that a one-sided paired test of n independent cases sees with `power`.

    discordant: share of cases that change verdict between the versions. Normal approximation of McNemar's test
    (Connor 1987), solved for the difference.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    floor = max(discordant, 1.0 / n)  # with no change seen, one case may still have changed
    z = norm.ppf(1 - alpha), norm.ppf(power)

    def excess(drop: float) -> float:
        total = max(floor, drop)
        return float(drop * np.sqrt(n) - z[0] * np.sqrt(total) - z[1] * np.sqrt(max(total - drop**2, 0.0)))

    return float(brentq(excess, 1e-9, 1.0)) if excess(1.0) > 0 else 1.0


def detectable_shift(differences: ArrayLike, n: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """Smallest mean shift of paired scores, worth n independent cases, that a one-sided test sees with `power` (normal
    approximation)."""
    from scipy.stats import norm

    d = np.asarray(differences, float)
    return float((norm.ppf(1 - alpha) + norm.ppf(power)) * d.std(ddof=1) / np.sqrt(n)) if len(d) > 1 else 1.0
