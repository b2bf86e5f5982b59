"""The local judge, and that DeepEval and RAGAS really ask it."""

import pytest

from evaluation import judge

CONTEXT = [
    "A passive breach must be cured by the close of the next trading day. The VaR limit of the desk is 6.0 million dollars."
]
GOOD = "The VaR limit of the desk is 6 million dollars."
BAD = "The VaR limit of the desk is 9 million dollars."
OFF = "Bananas grow in warm countries."


def test_grounded_answers_score_above_ungrounded_ones(encoder) -> None:
    good, bad, off = (judge.groundedness(t, CONTEXT, encoder) for t in (GOOD, BAD, OFF))
    assert good > 0.8 > 0.5 > off and bad < 0.5


def test_empty_answers_and_contexts_are_not_grounded(encoder) -> None:
    assert judge.groundedness("", CONTEXT, encoder) == 0 == judge.groundedness(GOOD, [], encoder)


def test_numbers_are_compared_as_numbers() -> None:
    assert judge.numbers("6.0 and 1,500 in 2008.") == {"6", "1500", "2008"}


@pytest.mark.parametrize(
    ("name", "answer", "passes"),
    [
        ("hallucination", GOOD, True),
        ("hallucination", BAD, False),
        ("faithfulness", GOOD, True),
        ("faithfulness", OFF, False),
    ],
)
def test_deepeval_s_native_metrics_follow_the_judge(encoder, name, answer, passes) -> None:
    from deepeval.test_case import LLMTestCase

    metric = judge.deepeval_metrics(encoder, lambda text: False)[name]
    metric.measure(
        LLMTestCase(input="What is the limit?", actual_output=answer, context=CONTEXT, retrieval_context=CONTEXT),
        _show_indicator=False,
    )
    assert metric.is_successful() is passes
    assert metric.score == pytest.approx(judge.groundedness(answer, CONTEXT, encoder), abs=0.02)


def test_deepeval_s_pii_metric_follows_presidio(encoder) -> None:
    from deepeval.test_case import LLMTestCase

    metric = judge.deepeval_metrics(encoder, lambda text: "4012" in text)["pii_leakage"]
    for text, score in (("The card is 4012 8888 8888 1881", 0.0), ("No card here", 1.0)):
        metric.measure(LLMTestCase(input="?", actual_output=text), _show_indicator=False)
        assert metric.score == score


def test_ragas_gives_the_same_score(encoder) -> None:
    metric = judge.ragas_metric(encoder)
    for text in (GOOD, BAD, OFF):
        assert metric.score(response=text, context=CONTEXT).value == pytest.approx(
            judge.groundedness(text, CONTEXT, encoder)
        )


def test_the_judge_calls_itself_advisory() -> None:
    assert judge.STATUS.startswith("advisory")
