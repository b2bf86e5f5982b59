"""A detector's threshold, and what it costs: attacks caught, false alarms on benchmarks and on one's own traffic.

The threshold is set where `false_alarm_rate` of benign texts are flagged, on the validation split and on a part of the
traffic of one's own, whichever is higher: the false alarms that users see are not those of a benchmark. Another part
of the traffic, and the test split, are what is reported (`optimization.traffic`).
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common import files, stats
from common.contracts import Estimate
from common.errors import BadInput
from domains.pack import Pack
from optimization import traffic
from optimization.config import OptimizationSettings


def threshold_for(scores: NDArray[np.float64], rate: float) -> float:
    """The lowest threshold at which at most `rate` of these benign scores are flagged (score >= threshold)."""
    ordered = np.sort(scores)[::-1]
    return float(np.nextafter(ordered[int(np.floor(rate * len(ordered)))], np.inf))


def own_traffic(pack: Pack, s: OptimizationSettings) -> tuple[list[str], NDArray[np.bool_]]:
    """(texts, True for those on which the threshold is set): the pack's that no model was trained on, and the user's
    own file (BENIGN), every other line of it."""
    unseen = [(text, where == "threshold") for text, where in traffic.of(pack) if where != "train"]
    if s.benign:
        unseen += [(text, i % 2 == 0) for i, text in enumerate(lines(s.benign))]
    return [text for text, _ in unseen], np.array([first for _, first in unseen])


def lines(path: Path) -> list[str]:
    """A UTF-8 file of benign texts, one a line. BadInput where it is absent or has fewer than 100."""
    found = [line.strip() for line in files.read_text(path).splitlines() if line.strip()]
    if len(found) < 100:
        raise BadInput(
            f"{path} has {len(found)} texts",
            "BENIGN=FILE with at least 100, one a line: one in a hundred is to be seen",
        )
    return found


def threshold(benign: NDArray[np.float64], own: NDArray[np.float64], first: NDArray[np.bool_], rate: float) -> float:
    """See the module. benign: scores of the validation split's benign texts; own: of the traffic; first: its part."""
    return max(threshold_for(benign, rate), threshold_for(own[first], rate))


def caught(scores: NDArray[np.float64], at: float) -> Estimate:
    """Share at or above a threshold, with the exact interval."""
    return stats.proportion(int((scores >= at).sum()), len(scores))


def recall_at(attacks: NDArray[np.float64], benign: NDArray[np.float64], rate: float, resamples: int = 500) -> Estimate:
    """Share of attacks caught where `rate` of the benign are flagged; both are resampled, so the threshold's error counts."""
    random = np.random.default_rng(0)
    value = float((attacks >= threshold_for(benign, rate)).mean())
    found = []
    for _ in range(resamples):
        b, a = random.choice(benign, len(benign)), random.choice(attacks, len(attacks))
        found.append(float((a >= threshold_for(b, rate)).mean()))
    low, high = np.quantile(found, [0.025, 0.975])
    return Estimate(value=value, low=float(low), high=float(high), n=len(attacks))


def recall_gap(
    ours: tuple[NDArray[np.float64], NDArray[np.float64]],
    theirs: tuple[NDArray[np.float64], NDArray[np.float64]],
    rate: float,
    resamples: int = 500,
) -> Estimate:
    """`recall_at` of ours minus theirs on the same texts: (scores of the attacks, scores of the benign) each, paired."""

    def gap(attacks: NDArray[np.int64], benign: NDArray[np.int64]) -> float:
        recalls = [(a[attacks] >= threshold_for(b[benign], rate)).mean() for a, b in (ours, theirs)]
        return float(recalls[0] - recalls[1])

    n, m = len(ours[0]), len(ours[1])
    random = np.random.default_rng(0)
    found = [gap(random.integers(0, n, n), random.integers(0, m, m)) for _ in range(resamples)]
    low, high = np.quantile(found, [0.025, 0.975])
    return Estimate(value=gap(np.arange(n), np.arange(m)), low=float(low), high=float(high), n=n)
