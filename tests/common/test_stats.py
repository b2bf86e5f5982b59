import numpy as np
import pytest

from common import stats


def test_bootstrap_interval_covers_the_mean_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    hits = 0
    for trial in range(200):
        e = stats.bootstrap(lambda v: float(v.mean()), random.normal(0, 1, 60), resamples=300, seed=trial)
        hits += e.low <= 0 <= e.high
    assert 0.88 <= hits / 200 <= 0.99


def test_an_interval_over_thirteen_blocks_covers_as_often_as_it_says() -> None:
    random, hits = np.random.default_rng(3), 0
    for _ in range(200):
        blocks = np.repeat(random.normal(0, 1, 13), 20) + random.normal(0, 1, 260)
        e = stats.mean(blocks, np.repeat(np.arange(13), 20))
        hits += e.low <= 0 <= e.high
    assert 0.91 <= hits / 200 <= 0.99


def test_clusters_widen_the_interval_where_rows_repeat() -> None:
    values = np.repeat(np.random.default_rng(0).normal(size=20), 10)
    clusters = np.repeat(np.arange(20), 10)
    rows, grouped = stats.mean(values), stats.mean(values, clusters)
    assert grouped.high - grouped.low > 2 * (rows.high - rows.low)
    assert grouped.value == rows.value


def test_pairs_stay_paired() -> None:
    a = np.random.default_rng(0).normal(size=100)
    e = stats.bootstrap(lambda x, y: float(np.mean(y - x)), a, a + 1)
    assert e.low == pytest.approx(1) and e.high == pytest.approx(1)


def test_zero_failures_are_not_certainty() -> None:
    e = stats.proportion(0, 60)
    assert e.low == 0 and e.high == pytest.approx(0.0596, abs=1e-3)


def test_mcnemar_agrees_with_the_binomial_by_hand() -> None:
    old, new = [True] * 8 + [False] * 2, [False] * 8 + [False] * 2
    assert stats.mcnemar(old, new) == pytest.approx(2 * 0.5**8)
    assert stats.mcnemar(old, old) == 1.0


def test_mid_p_counts_half_of_what_was_seen() -> None:
    old, new = [True] * 8 + [False] * 2, [False] * 8 + [False] * 2
    assert stats.mcnemar_worse(old, new) == pytest.approx(0.5**9)
    assert stats.mcnemar_worse(new, old) == pytest.approx(1 - 0.5**9) and stats.mcnemar_worse(old, old) == 1.0


def test_sign_flips_of_rows_are_the_sign_test_s_and_of_one_cluster_say_nothing() -> None:
    fell = [-1.0] * 8
    assert stats.sign_flip(fell) == pytest.approx(0.5**8)
    assert stats.sign_flip(fell, ["same"] * 8) == 0.5  # one sum, up or down
    assert stats.sign_flip([1.0] * 8) == 1.0 and stats.sign_flip([0.0] * 8) == 1.0


def test_sign_flips_of_many_clusters_hold_their_level() -> None:
    random = np.random.default_rng(0)
    clusters = np.repeat(np.arange(30), 8)
    p = [stats.sign_flip(np.repeat(random.normal(size=30), 8), clusters, times=400, seed=i) for i in range(300)]
    assert 0.01 < np.mean(np.array(p) < 0.05) < 0.1


def test_the_quick_mean_is_the_bootstrap_s() -> None:
    values = np.random.default_rng(1).exponential(size=200)
    quick, slow = stats.mean(values), stats.bootstrap(lambda v: float(np.mean(v)), values)
    assert (
        quick.value == slow.value
        and quick.low == pytest.approx(slow.low, abs=0.02)
        and quick.high == pytest.approx(slow.high, abs=0.02)
    )


def test_holm_is_the_textbook_s() -> None:
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_benjamini_hochberg_is_the_textbook_s() -> None:
    assert stats.benjamini_hochberg([0.01, 0.02, 0.03, 0.5]) == pytest.approx([0.04, 0.04, 0.04, 0.5])


def test_detectable_drop_matches_published_sample_sizes() -> None:
    # 171 pairs see a 5-point drop when 7 % change verdict, 369 when 15 % do
    assert stats.detectable_drop(0.07, 171) == pytest.approx(0.05, abs=0.003)
    assert stats.detectable_drop(0.15, 369) == pytest.approx(0.05, abs=0.003)
    assert stats.detectable_drop(0.1, 2) == 1.0


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="lengths"):
        stats.bootstrap(lambda a, b: 0.0, [1, 2], [1])
    with pytest.raises(ValueError, match="lengths"):
        stats.mean([])


def test_one_cluster_has_no_interval() -> None:
    """An interval of width zero would alarm on any difference."""
    found = stats.bootstrap(lambda v: float(np.mean(v)), np.arange(10.0), clusters=np.zeros(10))
    assert found.value == 4.5 and np.isnan(found.low) and np.isnan(found.high)


def test_a_share_of_clustered_cases_covers_and_stays_within_0_and_1() -> None:
    random, hits = np.random.default_rng(0), 0
    documents = np.repeat(np.arange(13), 4)
    for _ in range(400):
        chances = random.beta(1.87, 0.21, 13)  # .9 on the average, and documents that differ
        e = stats.share((random.random((13, 4)) < chances[:, None]).ravel(), documents)
        assert 0 <= e.low <= e.value <= e.high <= 1
        hits += e.low <= 0.9 <= e.high
    assert 0.93 <= hits / 400 <= 1


def test_a_share_of_single_cases_is_nearly_a_proportion() -> None:
    e, exact = stats.share([1] * 30 + [0] * 70, np.arange(100)), stats.proportion(30, 100)
    assert (e.low, e.high) == pytest.approx((exact.low, exact.high), abs=0.005)


def test_a_share_without_a_failure_counts_documents_not_cases() -> None:
    assert stats.share([0] * 40, np.repeat(np.arange(10), 4)).high == pytest.approx(stats.proportion(0, 10).high)
