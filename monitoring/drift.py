"""Has an input's distribution changed? Two-sample tests that know that neighbouring days are not independent.

Numerical columns: Kolmogorov-Smirnov; categorical: chi-squared; every column: missingness by a two-proportion test,
joined with the first by Bonferroni. p-values come from the *effective* sample size: a rolling volatility hardly
changes overnight, so 250 days of it are worth a handful of independent ones, and the textbook test would alarm in
almost every year. Adjusted over the columns by Benjamini and Hochberg (1995).

Effective size: n / tau with tau = 1 + 2 * sum of autocorrelations up to the first that is not positive (Geyer 1992),
the larger of that of the value and of its distance from the median; of a category, the largest of its levels'; of gaps, that
of being missing. What this does not see: joint drift that leaves
every single column as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from common import stats

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ColumnDrift:
    """One column: the distance, the effective sizes behind its p-value, and the p-value after adjustment."""

    column: str
    distance: float
    effective: tuple[float, float]
    p_value: float
    adjusted: float


def autocorrelation_time(values: ArrayLike) -> float:
    """Integrated autocorrelation time of a series, at least 1; 1 for independent values. Shape (n,) -> float."""
    x = np.asarray(values, float)
    x = x[np.isfinite(x)] - np.nanmean(x)
    n = len(x)
    if n < 4 or not np.any(x):
        return 1.0
    spectrum = np.fft.rfft(x, 2 * n)
    autocovariance = np.fft.irfft(spectrum * np.conj(spectrum))[:n]
    rho = autocovariance[1:] / autocovariance[0]
    ends = np.flatnonzero(rho <= 0)
    return float(1 + 2 * rho[: ends[0] if len(ends) else n // 2].sum())


def dependence(values: NDArray[np.floating]) -> float:
    """The autocorrelation time that counts for a distribution: of the value or of its spread, the larger."""
    return max(autocorrelation_time(values), autocorrelation_time(np.abs(values - np.nanmedian(values))))


def kolmogorov_smirnov(
    reference: NDArray[np.floating], current: NDArray[np.floating], tau: float
) -> tuple[float, float]:
    """(largest distance between the two distributions, p-value at the effective sizes). NaN is left out."""
    from scipy.stats import ks_2samp, kstwobign

    a, b = reference[np.isfinite(reference)], current[np.isfinite(current)]
    if not len(a) or not len(b):
        return 1.0, 1.0  # an empty column is the missingness test's business
    distance = float(ks_2samp(a, b, method="asymp").statistic)
    n, m = max(len(a) / tau, 1.0), max(len(b) / tau, 1.0)
    root = np.sqrt(n * m / (n + m))
    return distance, float(kstwobign.sf((root + 0.12 + 0.11 / root) * distance))  # Stephens (1970): good down to n = 4


def chi_squared(reference: Sequence[str], current: Sequence[str], tau: float) -> tuple[float, float]:
    """(total variation distance, p-value at the effective sizes) of two samples of categories."""
    from scipy.stats import chi2_contingency

    names = sorted({*reference, *current})
    counts = np.array([[list(side).count(name) for name in names] for side in (reference, current)], float)
    if len(names) < 2 or not counts.sum(1).all():
        return 0.0, 1.0
    shares = counts / counts.sum(1, keepdims=True)
    return float(np.abs(shares[0] - shares[1]).sum() / 2), float(
        chi2_contingency(counts / tau, correction=False).pvalue
    )


def missingness(reference: int, n: int, current: int, m: int) -> float:
    """p-value of a change in the share of missing values (Fisher's exact test)."""
    from scipy.stats import fisher_exact

    return (
        float(fisher_exact([[reference, n - reference], [current, m - current]]).pvalue) if reference + current else 1.0
    )


def compare(
    reference: "pd.DataFrame", current: "pd.DataFrame", numerical: Sequence[str], categorical: Sequence[str]
) -> list[ColumnDrift]:
    """Test every column; rows in the order of time. Adjusted p-values are in `adjusted`. Raises KeyError for a column that is absent."""
    found = []
    for column in [*numerical, *categorical]:
        a, b = reference[column], current[column]
        if column in numerical:
            x, y = a.to_numpy(float), b.to_numpy(float)
            tau = dependence(x)
            distance, p = kolmogorov_smirnov(x, y, tau)
        else:
            before = a.dropna().astype(str)
            tau = max((dependence(np.asarray(before == level, float)) for level in before.unique()), default=1.0)
            distance, p = chi_squared(before.tolist(), b.dropna().astype(str).tolist(), tau)
        runs = dependence(np.asarray(a.isna(), float))  # a sensor that fails does so for days
        gaps = missingness(*(round(n / runs) for n in (int(a.isna().sum()), len(a), int(b.isna().sum()), len(b))))
        found.append((column, distance, (len(a) / tau, len(b) / tau), min(1.0, 2 * min(p, gaps))))
    adjusted = stats.benjamini_hochberg([p for *_, p in found])
    return [ColumnDrift(c, d, e, p, float(q)) for (c, d, e, p), q in zip(found, adjusted, strict=True)]
