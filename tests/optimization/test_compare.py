"""The table and the choice, on probabilities that are made up here: what is computed from them is not."""

import numpy as np
import pytest

from optimization import compare
from optimization.compare import Candidate, Cost, Measured
from optimization.recipe import Choice

N = 1000
TRUTH = np.arange(N) % 2


def variant(tmp_path, name: str, wrong: int, ms: float, megabytes: float, runtime: str = "shipped") -> Measured:
    """Wrong on the first `wrong` texts of both splits."""
    folder = tmp_path / "students" / "models" / name
    folder.mkdir(parents=True)
    (tmp_path / "teacher").mkdir(exist_ok=True)
    (tmp_path / "teacher" / "model.safetensors").write_bytes(b"0" * int(2e6))  # what the eager one reads
    (folder / "model.onnx").write_bytes(b"0" * int(megabytes * 1e6))
    labels = np.where(np.arange(N) < wrong, 1 - TRUTH, TRUTH)
    p = np.eye(2)[labels]
    cost = Cost(
        np.full((2, 50), ms) + np.random.default_rng(0).random((2, 50)) * 0.01, 1000 / ms, 100.0, np.array([0.3, 0.4])
    )
    return Measured(Candidate(name, folder, runtime), {"test": p, "validation": p}, {1: cost, 2: cost})


@pytest.fixture
def measured(tmp_path) -> list[Measured]:
    return [
        variant(tmp_path, "eager", 50, 10.0, 2.0, "eager"), variant(tmp_path, "teacher", 50, 5.0, 2.0), variant(tmp_path, "good", 52, 1.0, 0.5),
        variant(tmp_path, "fast", 60, 0.2, 1.0), variant(tmp_path, "small", 150, 0.9, 0.1), variant(tmp_path, "foreign", 50, 0.1, 0.05, "openvino"),
    ]  # fmt: skip


def test_differences_are_paired_and_corrected(measured) -> None:
    found = {r.name: r for r in compare.rows(measured, TRUTH, range(N))}
    assert found["eager"].difference.low == found["eager"].difference.high == 0 and found["eager"].p_value == 1
    assert found["good"].difference.value == pytest.approx(-0.002)
    # two of a thousand texts: as unpaired, the interval would be ten times as wide
    assert found["good"].difference.high - found["good"].difference.low < 0.01
    assert found["small"].p_value < 1e-10 and found["good"].p_value > 0.5
    assert found["small"].kept.value == pytest.approx(0.85 / 0.95) and found["small"].kept.high < 0.95
    assert found["fast"].speedup.low > 45


def test_groups_widen_the_interval(measured) -> None:
    alone = {r.name: r for r in compare.rows(measured, TRUTH, range(N))}["small"].accuracy
    grouped = {r.name: r for r in compare.rows(measured, TRUTH, np.arange(N) // 50)}["small"].accuracy
    assert grouped.high - grouped.low > 3 * (alone.high - alone.low)


def test_the_front_holds_what_nothing_beats_in_all_three(measured) -> None:
    front = {r.name for r in compare.rows(measured[:5], TRUTH, range(N)) if r.on_front}
    assert front == {"teacher", "good", "fast", "small"}  # eager is slower, no smaller and no better than the teacher
    everything = {r.name for r in compare.rows(measured, TRUTH, range(N)) if r.on_front}
    assert everything == {"foreign"}  # smallest, fastest and as good as any


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(keep=0.98), "good"),
        (Choice(keep=0.98, prefer="fastest"), "fast"),
        (Choice(keep=0.8), "small"),
        (Choice(keep=1.0), "good"),
    ],
)
def test_the_choice_keeps_enough_and_says_why(measured, choice, expected) -> None:
    chosen, reason = compare.choose(measured, compare.kept_of(measured, TRUTH, range(N)), choice, {})
    assert chosen.name == expected
    assert ("none keeps" in reason) is (choice.keep == 1.0)
    assert chosen.candidate.runtime == "shipped"  # nothing that a bundle cannot carry


def test_of_the_equally_alert_the_smallest_is_taken(measured) -> None:
    """Paired: on the same 500 attacks, five of 400 caught are no difference, and forty are."""

    def first(n: int) -> np.ndarray:
        return np.arange(500) < n

    caught = {"good": first(400), "fast": first(405), "small": first(403), "teacher": first(450), "foreign": first(500)}
    kept, prefer = compare.kept_of(measured, TRUTH, range(N)), Choice(keep=0.98, prefer="recall")
    assert compare.choose(measured, kept, prefer, caught)[0].name == "good"
    assert compare.choose(measured, kept, prefer, caught | {"fast": first(440)})[0].name == "fast"


def test_no_form_of_the_teacher_is_chosen(tmp_path) -> None:
    """It is the yardstick: quantized, it may be the most alert of all, and is a student's size four times over."""
    found = [
        variant(tmp_path, "teacher, PyTorch eager", 50, 10.0, 2.0, "eager"), variant(tmp_path, "teacher int8", 50, 1.0, 0.2), variant(tmp_path, "two int8", 51, 1.5, 0.4),
    ]  # fmt: skip
    kept = compare.kept_of(found, TRUTH, range(N))
    for prefer in ("smallest", "fastest", "recall"):
        assert compare.choose(found, kept, Choice(keep=0.9, prefer=prefer), {})[0].name == "two int8"


def test_the_latency_is_the_median_of_all_rounds() -> None:
    cost = Cost(np.stack([np.full(101, 1.0), np.full(101, 3.0)]), 1.0, 1.0, np.array([0.1]))
    found = compare.latency(cost)
    assert (found.value, found.low, found.high, found.n) == (2.0, 1.0, 3.0, 101)


def test_a_slow_process_widens_the_interval_of_the_speed() -> None:
    steady = np.full((3, 50), 10.0)
    uneven = np.array([[1.0], [1.0], [2.0]]) * np.ones((3, 50))
    assert compare.faster(steady, np.ones((3, 50))).low == pytest.approx(10)
    found = compare.faster(steady, uneven)
    assert found.value == pytest.approx(10) and found.low == pytest.approx(5)


def test_the_size_counts_everything_that_is_read(tmp_path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    for name, size in (("model.onnx", 3), ("tokenizer.json", 2), ("parity.json", 100)):
        (folder / name).write_bytes(b"0" * size * 1000)
    assert Candidate("m", folder).megabytes == pytest.approx(0.005)
