"""What is said of an answer by exact checks, and which answers a judge is asked about."""

import pytest

from common.llm import LLM
from evaluation import answered, score, suite
from evaluation.baselines import Overlap
from evaluation.config import EvaluationSettings
from evaluation.grounded import uncalibrated
from evaluation.outcome import Bench
from evaluation.suite import Case, Said


@pytest.mark.parametrize(
    ("expected", "text", "right"),
    [
        ("The limit may exceed 6 million.", "The limit may exceed 6 million dollars.", True),
        ("The committee may exceed it.", "The committee may not exceed it.", False),
        ("The desk does not use it.", "The desk uses it.", False),
        ("The desk does not use it.", "The desk doesn’t use it.", True),
        ("Halden Bank.", "Halden Bank, not Northern Credit.", True),
        ("3 millilitres.", "Three millilitres.", True),
        ("24 hours.", "Twenty-five hours.", False),
        ("It is.", "", False),
        ("It is.", "Yes, it is so.", True),
        ("東京", "巴黎", False),
        ("東京", "東京です", True),
        ("Six million.", "The limit is six million. The documents do not say since when.", True),
        ("Six million.", "The documents do not say whether it is six million.", False),
    ],
)
def test_an_answer_holds_what_the_reference_says(expected, text, right) -> None:
    assert score.answers_it(expected, text) is right


@pytest.fixture(scope="module")
def bench(finance, encoder) -> Bench:
    """A few questions, the simplest judge, and a model that is not asked."""
    judge = uncalibrated(Overlap("token-overlap", 1))
    return Bench(finance, LLM("http://nobody", "m"), "v2", judge, EvaluationSettings(), 24, None, encoder)


@pytest.fixture(scope="module")
def todo(bench) -> list[Case]:
    given = suite.contexts(bench.pack, bench.questions, bench.encoder, 2)
    return suite.cases(bench.pack, bench.questions, [], bench.release, given)


@pytest.mark.parametrize("nothing", ["", "???", "I don't know."])
def test_an_answer_that_asserts_nothing_is_neither_grounded_nor_not(bench, todo, nothing) -> None:
    victim = next(q.id for q in bench.questions if q.answerable)
    texts = {q.id: q.answer for q in bench.questions} | {victim: nothing}
    outcome = answered.answered(bench, "hallucination", todo, {i: Said(text) for i, text in texts.items()}, {})
    claims = sum(q.answerable for q in bench.questions) - 1
    assert claims < len(bench.questions) - 1 and outcome.report.rates["grounded"].n == claims
    shown = next(c for c in outcome.report.cases if c.id == victim)
    assert not shown.passed and shown.confidence is None and not outcome.results[victim]["answers"]


def test_what_declines_is_compared_with_the_reference_and_not_with_the_passages(bench, todo) -> None:
    victim = next(q.id for q in bench.questions if q.answerable)
    texts = {q.id: q.answer for q in bench.questions} | {victim: "The documents don't say."}
    judged = score.score(bench.pack, bench.questions, [], todo, texts, bench.encoder, bench.judge, bench.s).judged
    lacking = {name for name, cases in judged.items() if victim not in cases}
    assert lacking == {"deepeval_hallucination", "deepeval_faithfulness", "ragas_groundedness"}


def test_a_suite_of_one_release_says_that_failed_checks_stop_nothing(bench, todo) -> None:
    texts = {q.id: Said("It is 12345.") for q in bench.questions}
    outcome = answered.answered(bench, "hallucination", todo, texts, {})
    assert outcome.report.rates["numbers_grounded"].value == 0 and not outcome.blocking
    assert any("stops no release by itself" in note for note in outcome.report.notes)
