"""Judges side by side: paired by claim, documents resampled, no family judged by what was fitted on it."""

import numpy as np

from evaluation import compare
from evaluation.labelled import Claim


def claims(n: int, source: str) -> list[Claim]:
    return [
        Claim(f"claim {i}", ("context",), grounded=bool(i % 2), source=source, group=f"{source}:{i // 4}")
        for i in range(n)
    ]


def test_a_judge_that_knows_is_better_than_one_that_guesses() -> None:
    rows = claims(200, "qags_cnndm")
    truth, random = np.array([c.grounded for c in rows], float), np.random.default_rng(0)
    knows, guesses = truth + random.normal(size=200) * 0.5, random.normal(size=200)
    (found,) = compare.by_family(rows, knows, {"guess": guesses, "other": -guesses})
    assert found.family == "QAGS-CNN" and found.better and found.judge.value > 0.85
    (back,) = compare.by_family(rows, guesses, {"knows": knows})
    assert not back.better and back.best == "knows" and back.difference.high < 0


def test_sources_of_one_origin_count_once_and_a_source_of_yours_is_its_own() -> None:
    rows = claims(40, "begin_dev_cmu") + claims(40, "begin_dev_tc") + claims(40, "mine")
    found = compare.by_family(rows, np.arange(120.0), {"b": np.arange(120.0)})
    assert [v.family for v in found] == ["BEGIN", "mine"]
    assert all(v.difference.value == 0 and not v.better for v in found)


def test_balanced_accuracy_counts_every_family_once() -> None:
    rows = claims(40, "qags_cnndm") + claims(400, "mine")
    said = np.array([float(c.grounded) if c.source == "mine" else 1.0 for c in rows])
    assert compare.balanced_by_family(rows, said) == [0.5, 1.0]


def test_a_regression_never_saw_the_family_that_it_scores() -> None:
    """In one family overlap means grounded, in the other the opposite: each is scored by what the other taught."""
    rows = []
    for i in range(60):
        for source, right in (("begin_dev_cmu", True), ("halueval_qa", False)):
            for held in (True, False):
                text = "the bank holds bonds of the city" if held else "people enjoy long walks at night"
                rows.append(
                    Claim(
                        text,
                        ("the bank holds bonds of the city",),
                        grounded=held == right,
                        source=source,
                        group=f"{source}:{i}",
                    )
                )
    scores = compare.regression_elsewhere(rows)
    own = [c.source == "begin_dev_cmu" for c in rows]
    found = {v.family: v.judge.value for v in compare.by_family(rows, scores, {"b": np.zeros(len(rows))})}
    assert any(own) and found == {"BEGIN": 0.0, "HaluEval QA": 0.0}
