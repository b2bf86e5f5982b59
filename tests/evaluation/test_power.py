"""The gate's power and its false alarms, by simulation through the gate itself."""

import numpy as np
import pytest

from common.errors import BadInput
from evaluation import power
from tests.conftest import run_cli


def test_a_large_drop_is_seen_and_a_null_rarely_blocked(finance) -> None:
    found = power.simulate(finance, cases=150, flips=0.2, drop=0.15, releases=40)
    assert found.seen.value > 0.8 and found.false.low < 0.05


def test_a_small_drop_in_a_small_suite_is_not(finance) -> None:
    assert power.simulate(finance, cases=60, flips=0.05, drop=0.02, releases=40).seen.value < 0.4


def test_the_simulated_cases_flip_and_fall_as_they_were_told() -> None:
    ((_, (old, new)),) = power.pairs(np.random.default_rng(0), 200_000, 0.85, 0.07, {"m": 0.05})
    assert np.mean(old != new) == pytest.approx(0.07, abs=0.003)
    assert old.mean() == pytest.approx(0.85, abs=0.003) and new.mean() - old.mean() == pytest.approx(-0.05, abs=0.003)


def test_cases_of_one_document_fare_alike_and_flip_as_often() -> None:
    random, cases = np.random.default_rng(0), 80_000
    ((_, (old, new)),) = power.pairs(random, cases, 0.85, 0.07, {"m": 0.05}, per_group=8, alike=0.3)
    assert np.mean(old != new) == pytest.approx(0.07, abs=0.005) and np.mean(new - 1.0 * old) == pytest.approx(
        -0.05, abs=0.005
    )
    changes = (new - 1.0 * old).reshape(-1, 8)
    correlation = np.corrcoef(changes[:, 0], changes[:, 1])[0, 1]
    assert correlation == pytest.approx(0.3**2, abs=0.03)


def test_a_drop_is_seen_less_where_cases_fare_alike(finance) -> None:
    def seen(alike: float) -> float:
        return power.simulate(finance, 48, 0.3, 0.3, releases=12, per_group=4, alike=alike).seen.value

    assert seen(0.9) < seen(0.0) - 0.2


def test_a_drop_larger_than_the_flips_is_refused(finance) -> None:
    with pytest.raises(BadInput, match="cannot fall"):
        power.simulate(finance, flips=0.02, drop=0.05)
    done = run_cli("evaluation", "power", "--drop", "0.5")
    assert done.returncode == 2 and "mend: 0 < --drop <= --flips" in done.stderr
