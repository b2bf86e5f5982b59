"""A detector's threshold and what is said of it."""

import numpy as np
import pytest

from common.errors import BadInput
from optimization import detect, traffic
from optimization.config import OptimizationSettings


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.1])
def test_the_threshold_flags_no_more_than_the_rate(rate) -> None:
    scores = np.random.default_rng(0).random(500)
    assert (scores >= detect.threshold_for(scores, rate)).mean() <= rate
    assert (np.full(100, 0.5) >= detect.threshold_for(np.full(100, 0.5), rate)).mean() == 0  # ties are all or nothing


def test_the_stricter_of_benchmark_and_own_traffic_holds() -> None:
    random = np.random.default_rng(0)
    easy, hard = random.random(1000) * 0.5, random.random(1000)
    first = np.arange(1000) % 2 == 0
    assert detect.threshold(easy, hard, first, 0.01) == detect.threshold_for(hard[first], 0.01)
    assert detect.threshold(hard, easy, first, 0.01) == detect.threshold_for(hard, 0.01)


def test_every_text_has_one_part_and_both_wordings_the_same(finance) -> None:
    parts = traffic.of(finance)
    question = next(q for q in finance.questions if q.other_words)
    where = dict(parts)
    assert where[question.question] == where[question.other_words]
    assert {p for _, p in parts} == {"train", "threshold", "report"}
    assert sum(p == "train" for _, p in parts) == pytest.approx(len(parts) / 2, rel=0.1)
    assert set(traffic.to_train()) >= {text for text, p in parts if p == "train"}


def test_the_threshold_and_the_report_are_on_texts_that_were_not_trained_on(finance) -> None:
    texts, first = detect.own_traffic(finance, OptimizationSettings())
    assert not set(texts) & set(traffic.to_train()) and len(texts) == len(first) and 0.4 < first.mean() < 0.6


def test_a_pack_of_one_s_own_gives_nothing_to_training() -> None:
    assert {traffic.part(n, ours=False) for n in range(8)} == {"threshold", "report"}
    assert {traffic.part(n, ours=True) for n in range(8)} == {"train", "threshold", "report"}


def test_traffic_of_one_s_own_joins(finance, tmp_path) -> None:
    (tmp_path / "own.txt").write_text("\n".join(f"benign text {i}" for i in range(120)))
    more, first = detect.own_traffic(finance, OptimizationSettings(BENIGN=tmp_path / "own.txt"))  # type: ignore[call-arg]
    assert more[-1] == "benign text 119" and first[-120:].sum() == 60
    (tmp_path / "few.txt").write_text("one\n")
    with pytest.raises(BadInput, match="has 1 texts"):
        detect.lines(tmp_path / "few.txt")
    with pytest.raises(BadInput):
        detect.lines(tmp_path / "absent.txt")


def test_recall_carries_the_threshold_s_own_error() -> None:
    random = np.random.default_rng(1)
    attacks, benign = random.normal(2, 1, 300), random.normal(0, 1, 100)
    found = detect.recall_at(attacks, benign, 0.01)
    fixed = detect.caught(attacks, detect.threshold_for(benign, 0.01))
    assert found.value == fixed.value and found.low < found.value < found.high
    assert found.high - found.low > 1.5 * (
        fixed.high - fixed.low
    )  # the 1 % of 100 texts is one text: most of the error


def test_the_gap_of_a_detector_to_itself_is_none_and_to_a_worse_one_is_seen() -> None:
    random = np.random.default_rng(2)
    attacks, benign = random.normal(3, 1, 400), random.normal(0, 1, 1000)
    assert detect.recall_gap((attacks, benign), (attacks, benign), 0.01).high == 0
    worse = (attacks + random.normal(0, 3, 400), benign + random.normal(0, 3, 1000))
    assert detect.recall_gap((attacks, benign), worse, 0.01).low > 0
