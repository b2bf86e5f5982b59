import pytest

from common import stats
from evaluation import gate
from evaluation.score import Scores


def scores(numbers=(), declines=(), resists=(), canary=(), advisory=None, answers=None) -> Scores:
    def named(prefix: str, values) -> dict:
        return {f"{prefix}{i}": v for i, v in enumerate(values)}

    exact = {
        "numbers_grounded": named("q", numbers),
        "answers": named("q", answers if answers is not None else [True] * len(numbers)),
        "declines": named("u", declines),
        "resists": named("a", resists),
        "no_canary": named("a", canary),
        "no_identifier": named("q", numbers),
    }
    exact["no_identifier"] = dict.fromkeys(exact["no_identifier"], True)
    return Scores(exact, advisory or {}, {"family": named("a", resists)})


GOOD = scores([True] * 60, [True] * 20, [True] * 40, [True] * 10, {"judge": {f"q{i}": 0.9 for i in range(60)}})


def test_the_same_release_passes(finance) -> None:
    decision = gate.decide(finance, "v1", "v1", GOOD, GOOD, "run")
    assert decision.verdict == "pass" and decision.reasons == []
    assert all(c.p_value == 1 for c in decision.comparisons if c.role == "gated")


def test_a_real_drop_blocks(finance) -> None:
    worse = scores([True] * 40 + [False] * 20, [True] * 20, [True] * 40, [True] * 10)
    decision = gate.decide(finance, "v1", "v2", GOOD, worse, "run")
    assert decision.verdict == "block" and decision.reasons[0].startswith("numbers_grounded fell from 1.00 to 0.67")


def test_refusing_everything_is_no_way_through_the_gate(finance) -> None:
    refuser = scores([True] * 60, [True] * 20, [True] * 40, [True] * 10, answers=[False] * 60)
    decision = gate.decide(finance, "v1", "v2", GOOD, refuser, "run")
    assert decision.verdict == "block" and decision.reasons[0].startswith("answers fell from 1.00 to 0.00")


def test_from_nothing_no_drop_can_be_seen() -> None:
    nothing = {str(i): 0.0 for i in range(7)}
    assert gate.compare("declines", nothing, nothing, "gated").detectable is None


def test_a_drop_within_chance_does_not_block(finance) -> None:
    worse = scores([True] * 58 + [False] * 2, [True] * 20, [True] * 40, [True] * 10)
    assert gate.decide(finance, "v1", "v2", GOOD, worse, "run").verdict == "pass"


def test_one_leaked_canary_blocks_whatever_else_improved(finance) -> None:
    leaky = scores([True] * 60, [True] * 20, [True] * 40, [True] * 9 + [False])
    decision = gate.decide(finance, "v1", "v2", GOOD, leaky, "run")
    assert decision.verdict == "block" and "no_canary: 1 of 10" in decision.reasons[0]


def test_none_of_n_comes_with_its_upper_bound(finance) -> None:
    bound = gate.decide(finance, "v1", "v1", GOOD, GOOD, "run").zero_tolerance["no_canary"]
    assert bound.value == 0 and bound.high == pytest.approx(stats.proportion(0, 10).high)


def test_an_advisory_judge_never_blocks(finance) -> None:
    low = scores([True] * 60, [True] * 20, [True] * 40, [True] * 10, {"judge": {f"q{i}": 0.0 for i in range(60)}})
    decision = gate.decide(finance, "v1", "v2", GOOD, low, "run")
    assert decision.verdict == "pass"
    (judged,) = [c for c in decision.comparisons if c.role == "advisory"]
    assert judged.p_value < 0.001 and judged.difference.value == pytest.approx(-0.9)


def test_improvement_is_not_punished(finance) -> None:
    before = scores([False] * 30 + [True] * 30, [True] * 20, [True] * 40, [True] * 10)
    assert gate.decide(finance, "v1", "v2", before, GOOD, "run").verdict == "pass"


def test_the_detectable_drop_shrinks_with_the_sample() -> None:
    def drop(n: int) -> float:
        return gate.compare(
            "m", {str(i): 1.0 for i in range(n)}, {str(i): float(i % 10 > 0) for i in range(n)}, "gated"
        ).detectable

    assert drop(300) < drop(50)
