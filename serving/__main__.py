"""`python -m serving up|down|status|ask|run|demo`."""

import os
import signal
import subprocess
import sys
from typing import Annotated

import typer

from common import console
from common.errors import BadInput

app = console.app("An LLM behind the OpenAI API, and cited answers from a pack's documents.")


@app.command()
def up(as_json: console.AsJson = False) -> None:
    """Start the engine (ENGINE=auto|vllm|llamacpp|echo) and wait until it answers."""
    from serving import server
    from serving.config import settings

    state, started = server.up(settings())
    console.say(f"{'up' if started else 'already up'}: {state['engine']} at {state['url']}")
    console.emit(state, as_json)


@app.command()
def down() -> None:
    """End the engine and everything it started."""
    from serving import server
    from serving.config import settings

    console.say("down" if server.down(settings()) else "nothing was up")


@app.command()
def status(as_json: console.AsJson = False) -> None:
    """What is running."""
    from serving import server
    from serving.config import settings

    state = server.status(settings())
    console.say(
        f"{state['engine']}, {state['precision']}, pid {state['pid']}: {'up' if state['up'] else 'starting'} at {state['url']}"
        if "engine" in state
        else "nothing is up"
    )
    console.emit(state, as_json)


@app.command()
def ask(question: str, as_json: console.AsJson = False) -> None:
    """Answer one question from the documents of DOMAIN, streamed, with citations."""
    from serving import demo

    if not question.strip():
        raise BadInput("the question is empty", 'python -m serving ask "How is VaR scaled to ten days?"')
    (answer,) = demo.ask_all([question])
    console.emit(
        {
            "question": question,
            "answer": answer.answer.text,
            "cites": answer.cites,
            "given": [p.id for p in answer.given],
            "ttft_seconds": answer.answer.ttft,
        },
        as_json,
    )


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(context: typer.Context) -> None:
    """Run a command with the engine up; end the engine afterwards if this call started it."""
    from serving import server
    from serving.config import settings

    if not context.args:
        raise BadInput("no command to run", "python -m serving run -- COMMAND...")
    _, started = server.up(settings(), owner=os.getpid())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the engine is ended then, too
    try:
        raise SystemExit(subprocess.run(context.args).returncode)
    finally:
        if started:
            server.down(settings())


@app.command()
def demo(
    count: Annotated[int, typer.Option(min=1, help="Questions to ask.")] = 4, as_json: console.AsJson = False
) -> None:
    """Serve, ask a few of the pack's questions, draw where the time went."""
    from serving import demo as story

    console.emit(story.demo(count), as_json)


@app.command()
def bench(as_json: console.AsJson = False) -> None:
    """Measure this room and write benchmarks/serving.json."""
    from serving.bench import measure

    console.emit(measure(), as_json)


if __name__ == "__main__":
    console.main(app)
