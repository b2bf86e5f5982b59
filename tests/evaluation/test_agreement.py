"""Agreement of a judge with people: against scikit-learn where it has the number, and against cases that can be counted."""

import numpy as np
import pytest
from sklearn import metrics

from evaluation import agreement

RANDOM = np.random.default_rng(0)
TRUTH = (RANDOM.random(400) < 0.6).astype(float)
SAID = np.where(RANDOM.random(400) < 0.8, TRUTH, 1 - TRUTH)


def test_the_measures_are_those_of_scikit_learn() -> None:
    assert agreement.kappa(TRUTH, SAID) == pytest.approx(metrics.cohen_kappa_score(TRUTH, SAID))
    assert agreement.balanced_accuracy(TRUTH, SAID) == pytest.approx(metrics.balanced_accuracy_score(TRUTH, SAID))
    assert agreement.sensitivity(TRUTH, SAID) == pytest.approx(metrics.recall_score(TRUTH, SAID))
    assert agreement.specificity(TRUTH, SAID) == pytest.approx(metrics.recall_score(TRUTH, SAID, pos_label=0))


def test_who_says_always_yes_agrees_no_more_than_chance() -> None:
    always = np.ones(400)
    assert agreement.kappa(TRUTH, always) == 0 and agreement.balanced_accuracy(TRUTH, always) == 0.5


def test_the_calibration_error_is_the_distance_of_said_and_seen() -> None:
    truth = np.tile([1.0, 0.0], 500)
    assert agreement.ece(truth, np.full(1000, 0.5)) == pytest.approx(0, abs=1e-9)
    assert agreement.ece(truth, np.full(1000, 0.9)) == pytest.approx(0.4)


@pytest.mark.parametrize("kind", ["platt", "isotonic"])
def test_scaling_takes_a_skewed_score_to_probabilities(kind) -> None:
    random = np.random.default_rng(1)
    p = random.random(4000)
    truth = (random.random(4000) < p).astype(float)
    score = 3 * np.log(p / (1 - p)) + 2  # too sure of itself, and too kind
    half = np.arange(4000) < 2000
    before = agreement.ece(truth[~half], 1 / (1 + np.exp(-score[~half])))
    fitted = agreement.SCALINGS[kind](score[half], truth[half])
    assert before > 0.1 and agreement.ece(truth[~half], fitted(score[~half])) < 0.05
    assert np.all(np.diff(fitted(np.sort(score))) >= -1e-12)  # the order is kept, so the AUROC is


def test_the_threshold_is_in_the_middle_of_the_best() -> None:
    p, truth = np.array([0.1, 0.2, 0.3, 0.8, 0.9]), np.array([0.0, 0, 0, 1, 1])
    assert 0.3 < agreement.cut(p, truth, np.zeros(len(p))) < 0.8


def test_every_source_counts_the_same_for_the_threshold() -> None:
    """Nine in ten claims are of a source that .3 parts, the others of one that .7 parts better."""
    random = np.random.default_rng(0)
    large = np.repeat([True, False], [900, 100])
    truth = random.integers(0, 2, 1000).astype(float)
    p = np.where(large, 0.3 + 0.1 * (truth - 0.5), 0.7 + 0.3 * (truth - 0.5)) + random.normal(0, 0.1, 1000)
    alone = np.zeros(1000)
    assert agreement.cut(p, truth, alone) == pytest.approx(0.3, abs=0.1)
    assert agreement.cut(p, truth, large) == pytest.approx(0.7, abs=0.1)


def test_groups_widen_the_intervals() -> None:
    truth, said = np.repeat(TRUTH[:40], 10), np.repeat(SAID[:40], 10)
    one = agreement.measures(truth, said, said, 0.5, np.arange(400), resamples=300)["kappa"]
    whole = agreement.measures(truth, said, said, 0.5, np.repeat(np.arange(40), 10), resamples=300)["kappa"]
    assert whole.high - whole.low > 2 * (one.high - one.low)


def test_equal_probabilities_are_one_bin_in_whatever_order_they_stand() -> None:
    """Half of the claims at .5, half of those grounded: nothing is wrong, also where the grounded ones come first."""
    truth, p = np.array([1.0] * 50 + [0.0] * 50), np.full(100, 0.5)
    assert agreement.ece(truth, p) == 0 and len(agreement.bins(p)) == 1
    assert sorted(np.concatenate(agreement.bins(np.linspace(0, 1, 95))).tolist()) == list(range(95))
    assert {len(b) for b in agreement.bins(np.linspace(0, 1, 100))} == {10}


def test_a_few_claims_between_two_lumps_are_no_bin_of_their_own() -> None:
    p = np.concatenate([np.full(500, 0.2), [0.35], np.full(499, 0.6)])
    found = agreement.bins(p)
    assert [len(rows) for rows in found] == [501, 499] and sorted(np.concatenate(found)) == list(range(1000))
    assert [len(rows) for rows in agreement.bins(np.array([0.1, *np.full(999, 0.6)]))] == [1000]
