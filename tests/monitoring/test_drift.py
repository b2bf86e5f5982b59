"""The drift tests: false alarms and power, measured on data whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from monitoring import drift

RNG = np.random.default_rng(7)


def ar(n: int, rho: float, rng: np.random.Generator) -> np.ndarray:
    """An autocorrelated series of unit variance."""
    x = np.empty(n)
    x[0] = rng.normal()
    for i in range(1, n):
        x[i] = rho * x[i - 1] + np.sqrt(1 - rho**2) * rng.normal()
    return x


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_autocorrelation_time_matches_theory(rho) -> None:
    tau = drift.autocorrelation_time(ar(20_000, rho, np.random.default_rng(0)))
    assert tau == pytest.approx((1 + rho) / (1 - rho), rel=0.25)


@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_false_alarms_stay_near_the_level_even_for_slow_series(rho) -> None:
    alarms = 0
    for trial in range(120):
        rng = np.random.default_rng(trial)
        a, b = ar(1200, rho, rng), ar(250, rho, rng)
        alarms += drift.kolmogorov_smirnov(a, b, drift.dependence(a))[1] < 0.05
    assert alarms / 120 <= 0.12


def test_the_textbook_test_would_alarm_on_slow_series() -> None:
    from scipy.stats import ks_2samp

    alarms = 0
    for trial in range(60):
        rng = np.random.default_rng(trial)
        alarms += ks_2samp(ar(1200, 0.97, rng), ar(250, 0.97, rng)).pvalue < 0.05
    assert alarms / 60 > 0.7  # why the effective sample size is there


def test_a_real_shift_is_seen() -> None:
    a, b = RNG.normal(0, 1, 1200), RNG.normal(0.5, 1, 250)
    assert drift.kolmogorov_smirnov(a, b, drift.dependence(a))[1] < 1e-3


def frame(
    n: int, rng: np.random.Generator, shift: float = 0.0, missing: float = 0.0, category: str = "a"
) -> pd.DataFrame:
    x = rng.normal(shift, 1, n)
    x[rng.random(n) < missing] = np.nan
    return pd.DataFrame({"x": x, "y": rng.normal(size=n), "c": rng.choice(["a", "b", category], n)})


def drifted(reference: pd.DataFrame, current: pd.DataFrame) -> set[str]:
    return {c.column for c in drift.compare(reference, current, ["x", "y"], ["c"]) if c.adjusted <= 0.05}


def test_what_changed_is_named() -> None:
    reference = frame(1000, np.random.default_rng(0))
    assert drifted(reference, frame(300, np.random.default_rng(1))) == set()
    assert "x" in drifted(reference, frame(300, np.random.default_rng(2), shift=1))
    assert "x" in drifted(reference, frame(300, np.random.default_rng(3), missing=0.1))
    assert "c" in drifted(reference, frame(300, np.random.default_rng(4), category="new"))


def test_what_did_not_change_is_named_as_seldom_as_the_rate_says() -> None:
    reference = frame(1000, np.random.default_rng(0))
    alarms = sum(bool(drifted(reference, frame(300, np.random.default_rng(seed)))) for seed in range(1, 81))
    assert alarms / 80 <= 0.12


def test_an_empty_column_is_missing_not_a_crash() -> None:
    reference = frame(500, np.random.default_rng(0))
    current = frame(200, np.random.default_rng(1)).assign(x=np.nan)
    assert "x" in drifted(reference, current)


def test_an_absent_column_is_an_error() -> None:
    reference = frame(50, np.random.default_rng(0))
    with pytest.raises(KeyError):
        drift.compare(reference, reference.drop(columns="x"), ["x"], [])


def sticky(random: np.random.Generator, n: int, stay: float = 0.95) -> np.ndarray:
    """Two states that last about twenty rows each: (n,) of 0 and 1."""
    return np.cumsum(random.random(n) > stay) % 2


@pytest.mark.parametrize("of", ["category", "gap"])
def test_runs_of_a_category_or_of_gaps_are_no_drift(of) -> None:
    """Rows of one run are no witnesses of their own: taken for such, half of these alarmed."""
    alarms = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        rows = [pd.DataFrame({"x": sticky(random, n)}) for n in (1000, 300)]
        if of == "category":
            (found,) = drift.compare(*(frame.astype(str) for frame in rows), [], ["x"])
        else:
            noise = [pd.DataFrame({"x": np.where(f["x"] == 1, random.random(len(f)), np.nan)}) for f in rows]
            (found,) = drift.compare(*noise, ["x"], [])
        alarms += found.adjusted <= 0.05
    assert alarms <= 9  # of 60: 15 %, for a two-sided rounding of so few runs


def test_a_category_that_changed_for_good_is_seen_through_its_runs() -> None:
    random = np.random.default_rng(1)
    before, after = sticky(random, 3000), np.zeros(1000, int)
    (found,) = drift.compare(pd.DataFrame({"x": before.astype(str)}), pd.DataFrame({"x": after.astype(str)}), [], ["x"])
    assert found.adjusted < 0.01
