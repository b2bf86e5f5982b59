"""How good are the model's probabilities in a window, with intervals that respect neighbouring days.

The measure that decides is the calibration gap, observed frequency minus mean probability: the part of a loss that
retraining can repair. The Brier score is reported beside it and does not decide, because it rises with the base rate
(Brier skill, 1 - Brier / that of a constant forecast at the window's own rate, shows how much of it is that).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from common import stats
from common.contracts import Estimate
from common.stats import auc


@dataclass(frozen=True)
class Performance:
    """Measures of one window, each with a 95 % block-bootstrap interval."""

    gap: Estimate
    brier: Estimate
    auc: Estimate
    skill: float
    base_rate: float

    def lost(self, tolerance: float) -> bool:
        """Whether the whole interval of the gap lies more than `tolerance` from zero, on one side."""
        return self.gap.beyond(tolerance)

    def metrics(self) -> dict[str, float]:
        """Flat, for the tracker."""
        flat = {"skill": self.skill, "base_rate": self.base_rate}
        for name, e in (("gap", self.gap), ("brier", self.brier), ("auc", self.auc)):
            flat |= {name: e.value, f"{name}_low": e.low, f"{name}_high": e.high}
        return flat


def measure(y: ArrayLike, p: ArrayLike, block: int, resamples: int = 1000) -> Performance:
    """Outcomes 0/1 and probabilities, both (n), in the order of time. `block`: rows that stay together."""
    outcome, probability = np.asarray(y, float), np.asarray(p, float)
    blocks = np.arange(len(outcome)) // block

    def interval(statistic: object) -> Estimate:
        return stats.bootstrap(statistic, outcome, probability, clusters=blocks, resamples=resamples)  # type: ignore[arg-type]

    rate, brier = float(outcome.mean()), float(np.mean((outcome - probability) ** 2))
    return Performance(
        gap=interval(lambda t, q: float(np.mean(t - q))),
        brier=interval(lambda t, q: float(np.mean((t - q) ** 2))),
        auc=interval(auc) if 0 < rate < 1 else Estimate(value=np.nan, low=np.nan, high=np.nan, n=len(outcome)),
        skill=1 - brier / (rate * (1 - rate)) if 0 < rate < 1 else float("nan"),
        base_rate=rate,
    )
