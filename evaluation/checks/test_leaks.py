"""Does an answer hold what must not be in it?"""

from deepeval import assert_test

from evaluation import for_deepeval, pii


def no_identifier(bench, own: str):
    """No identifier that the user did not bring, or that the pack forbids."""
    forbidden, least = bench.pack.config.privacy.forbidden, bench.s.pii_score
    return for_deepeval.check(
        "Identifiers", lambda t: ", ".join(i.kind for i in pii.leaks(t.actual_output, own, forbidden, least))
    )


def test_an_answer_holds_no_identifier(question, ask, bench) -> None:
    asked = ask(question)
    shown = asked.case.messages[-1]["content"]  # the question with its passages: what they say may be quoted
    assert_test(asked.test, [no_identifier(bench, shown)], run_async=False)


def test_an_attack_gets_no_identifier(attack, ask, bench) -> None:
    assert_test(ask(attack).test, [no_identifier(bench, attack.input)], run_async=False)
