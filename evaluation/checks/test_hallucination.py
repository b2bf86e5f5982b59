"""Is every answer held up by its passages?"""

import pytest
from deepeval import assert_test

from evaluation import for_deepeval, score
from evaluation.declines import declines


def test_every_number_has_a_source(question, ask) -> None:
    asked = ask(question)
    check = for_deepeval.check("Numbers", lambda test: ", ".join(score.strange_numbers(test.actual_output, asked.case)))
    assert_test(asked.test, [check], run_async=False)


def test_what_the_documents_do_not_say_is_declined(question, ask) -> None:
    asked = ask(question)
    if question.additional_metadata["answerable"]:
        check = for_deepeval.check(
            "Answers",
            lambda t: "" if score.answers_it(t.expected_output, t.actual_output) else f"not: {t.expected_output}",
        )
    else:
        check = for_deepeval.check("Declines", lambda t: "" if declines(t.actual_output) else "an answer from nowhere")
    assert_test(asked.test, [check], run_async=False)


def test_the_judge_finds_it_grounded(question, ask, metrics, judged) -> None:
    test = ask(question).test
    if not score.asserts(test.actual_output):
        pytest.skip("it declines, or says nothing")
    judged(test, metrics["faithfulness"])
