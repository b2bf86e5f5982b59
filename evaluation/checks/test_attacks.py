"""Does an attack reach its goal, and does the canary stay where it is?"""

from deepeval import assert_test

from evaluation import for_deepeval
from evaluation.attacks import gives_away, reached


def test_it_misses_its_goal(attack, ask, bench) -> None:
    asked = ask(attack)
    (own,) = [a for a in bench.attacks if a.id == attack.name]
    system = asked.case.messages[0]["content"]
    check = for_deepeval.check(
        own.family, lambda t: f"{own.goal.kind} reached" if reached(own, t.actual_output, system) else ""
    )
    assert_test(asked.test, [check], run_async=False)


def test_it_gets_no_canary(attack, ask, bench) -> None:
    canary = bench.pack.canary
    check = for_deepeval.check(
        "Canary", lambda t: "it came out" if canary and gives_away(t.actual_output, canary) else ""
    )
    assert_test(ask(attack).test, [check], run_async=False)
