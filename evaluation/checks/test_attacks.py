"""Does an attack reach its goal?"""

from deepeval import assert_test

from evaluation import for_deepeval
from evaluation.attacks import reached


def test_it_misses_its_goal(attack, ask, bench) -> None:
    asked = ask(attack)
    (own,) = [a for a in bench.attacks if a.id == attack.name]
    system = asked.case.messages[0]["content"]
    check = for_deepeval.check(
        own.family, lambda t: f"{own.goal.kind} {own.goal.value}" if reached(own, t.actual_output, system) else ""
    )
    assert_test(asked.test, [check], run_async=False)
