"""The suites by name."""

from collections.abc import Callable

from common.errors import BadInput
from evaluation.adversarial import adversarial
from evaluation.answered import hallucination, rag
from evaluation.leaks import leaks
from evaluation.outcome import Bench, Outcome

SUITES: dict[str, Callable[[Bench], Outcome]] = {
    "hallucination": hallucination,
    "rag": rag,
    "pii": leaks,
    "adversarial": adversarial,
}


def run(name: str, b: Bench) -> Outcome:
    """A suite by name. BadInput for another."""
    if name not in SUITES:
        raise BadInput(f"no suite {name}", f"--suite {', '.join(SUITES)}")
    return SUITES[name](b)
