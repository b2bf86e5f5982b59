import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from monitoring.performance import auc, measure


def sample(n: int, shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes drawn from p, reported as p - shift: a calibration gap of `shift`."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.2, 0.7, n)
    return (rng.random(n) < p).astype(float), p - shift


def test_auc_is_scikit_learn_s_ties_included() -> None:
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, 300), rng.integers(0, 10, 300) / 10
    assert auc(y, p) == pytest.approx(roc_auc_score(y, p))
    with pytest.raises(ValueError, match="one class"):
        auc([1, 1], [0.1, 0.2])


def test_a_calibrated_model_has_lost_nothing() -> None:
    found = measure(*sample(500, 0.0), block=5)
    assert not found.lost(0.03) and found.gap.low <= 0 <= found.gap.high


@pytest.mark.parametrize("shift", [0.2, -0.2])
def test_a_gap_on_either_side_is_a_loss(shift) -> None:
    found = measure(*sample(500, shift), block=5)
    assert found.lost(0.03) and np.sign(found.gap.value) == np.sign(shift)


def test_brier_rises_with_the_base_rate_while_skill_does_not_fall() -> None:
    """Why the Brier score does not decide: a perfect model scores worse in a volatile year."""
    rng = np.random.default_rng(0)
    calm, wild = rng.uniform(0.02, 0.12, 4000), rng.uniform(0.3, 0.7, 4000)
    a, b = (measure(rng.random(4000) < p, p, block=20, resamples=200) for p in (calm, wild))
    assert b.brier.value > 3 * a.brier.value and b.skill >= a.skill - 0.02
    assert not a.lost(0.03) and not b.lost(0.03)


def test_a_window_of_one_class_has_no_auc_and_no_crash() -> None:
    found = measure(np.zeros(50), np.full(50, 0.1), block=5)
    assert np.isnan(found.auc.value) and found.base_rate == 0
