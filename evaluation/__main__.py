"""`python -m evaluation demo|gate`."""

from typing import Annotated

import typer

from common import console
from common.errors import Refused

app = console.app("Hallucination, PII and attack tests, and a gate between two releases.")
Every = Annotated[int, typer.Option(min=1, help="Use every n-th case.")]


@app.command()
def demo(every: Every = 2, as_json: console.AsJson = False) -> None:
    """Compare the assistant's two prompts on the pack of DOMAIN: the verdict is printed, not enforced."""
    from evaluation import demo as story

    console.emit(story.demo(every), as_json)


@app.command()
def gate(
    baseline: Annotated[str, typer.Option(help="Prompt version in production.")],
    candidate: Annotated[str, typer.Option(help="Prompt version that wants to replace it.")],
    every: Every = 1,
    as_json: console.AsJson = False,
) -> None:
    """Compare two releases on all cases; exit code 2 where the gate blocks."""
    from common.settings import settings
    from domains.pack import load
    from evaluation import demo as story

    decision, extra = story.evaluate(load(settings().domain), baseline, candidate, every)
    story.tell(decision)
    console.emit(decision.model_dump(mode="json") | extra, as_json)
    if decision.verdict == "block":
        raise Refused(
            f"{decision.candidate} is blocked: {'; '.join(decision.reasons)}",
            "mend the release, or change the margin in the pack with its reason",
        )


@app.command()
def bench(as_json: console.AsJson = False) -> None:
    """Measure this room and write benchmarks/evaluation.json."""
    from evaluation.bench import measure

    console.emit(measure(), as_json)


if __name__ == "__main__":
    console.main(app)
