"""`python -m serving up|down|status|ask|chat|smoke|slo|batch|scale|run|demo|bench`."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from common import console
from common.errors import BadInput

app = console.app("An LLM behind the OpenAI API, and cited answers from a pack's documents.")


@app.command()
def up(as_json: console.AsJson = False) -> None:
    """Start the engine (ENGINE=auto|vllm|llamacpp|remote|echo) and wait until it answers."""
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
    if "engine" in state:
        again = f", started again {n} times" if (n := state.get("restarts")) else ""
        what = "up" if state["up"] else state.get("state", "starting")
        console.say(f"{state['engine']}, {state['precision']}, pid {state['pid']}: {what} at {state['url']}{again}")
    elif "why" in state:
        console.say(f"nothing is up at {state['url']}: the engine was given up, {state['why']}; see {state['log']}")
    else:
        console.say(f"nothing is up at {state['url']}")
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
            "answer_with_ids": answer.text,
            "cites": answer.cites,
            "given": [p.id for p in answer.given],
            "ttft_seconds": answer.answer.ttft,
        },
        as_json,
    )


@app.command()
def chat(
    message: Annotated[str, typer.Argument(help="One message; without it, a conversation until an empty line.")] = "",
    max_tokens: Annotated[int, typer.Option(min=1)] = 128,
    as_json: console.AsJson = False,
) -> None:
    """Talk to the model that is up, without documents."""
    from common.llm import LLM
    from common.tracking import tracing

    llm, said, answer = LLM(), [], None
    stream = console.console()
    with tracing("serving"):
        while text := message or heard():
            said.append({"role": "user", "content": text})
            answer = llm.chat(said, max_tokens=max_tokens, on_text=lambda t: stream.print(t, end="", markup=False))
            console.say(f"\n   {answer.completion_tokens} tokens, first after {answer.ttft:.2f} s", style="dim")
            said.append({"role": "assistant", "content": answer.text})
            if message or not sys.stdin.isatty():
                break
    if answer is None:
        raise BadInput("nothing to say", 'python -m serving chat "Hello"')
    console.emit({"answer": answer.text, "finish_reason": answer.finish_reason, "model": llm.model}, as_json)


def heard() -> str:
    """A line that the person types, or all of a pipe; empty at the end."""
    if not sys.stdin.isatty():
        return sys.stdin.read().strip()
    try:
        return input("> ").strip()
    except EOFError:
        return ""


@app.command()
def smoke(as_json: console.AsJson = False) -> None:
    """Try every feature on the engine that is up; exit code 2 where it is not what the capability table says."""
    from common.errors import EngineFailed
    from common.llm import LLM
    from common.tracking import tracing
    from serving import server, smoke
    from serving.config import settings

    state, llm = server.status(settings()), LLM()
    with tracing("smoke"):
        rows = smoke.smoke(llm, state.get("engine", "remote"), settings().task)
    columns = ["feature", "there", "seen", "seconds"]
    console.table(f"{llm.model} at {llm.url}", columns, [[r[c] for c in columns] for r in rows])
    console.emit({"rows": rows}, as_json)
    if wrong := [r["feature"] for r in rows if not r["ok"]]:
        raise EngineFailed(f"not as the capability table says: {', '.join(wrong)}", "python -m serving status")


@app.command()
def slo(as_json: console.AsJson = False) -> None:
    """Service levels of the engine that is up: what was good, and how fast the error budgets burn."""
    import json
    import time

    from common.errors import NotReady
    from common.settings import settings as shared
    from serving import server, slo, supervisor
    from serving.config import settings

    file = server.home(settings()) / "metrics.jsonl"
    samples = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    if latest := slo.sample(supervisor.fetch(settings().port, "/metrics") or ""):
        samples.append(latest)
    if not samples or time.time() - samples[-1]["at"] > 60:
        raise NotReady("no engine with latency histograms is up", "ENGINE=vllm python -m serving up")
    rows = slo.page(samples, time.time())
    columns = ["objective", "good", "n", "burn", "alert"]
    console.table("Service levels", columns, [[r[c] for c in columns] for r in rows])
    console.say(f"page: {slo.write_page(rows, shared().reports / 'slo.html')}")
    console.emit({"rows": rows}, as_json)


@app.command()
def batch(
    source: Annotated[Path, typer.Argument(help="Parquet file with a text column `prompt`.")],
    target: Annotated[Path, typer.Argument(help="Parquet file to write.")],
    engine: Annotated[Literal["local", "ray"], typer.Option(help="This process, or Ray's workers.")] = "local",
    max_tokens: Annotated[int, typer.Option(min=1)] = 64,
    streams: Annotated[int, typer.Option(min=1, help="Requests at a time, for each worker.")] = 8,
    as_json: console.AsJson = False,
) -> None:
    """Score a Parquet file of prompts against the engine that is up; goes on where it was cut off."""
    from common.settings import settings as shared
    from common.tracking import tracing
    from serving import batch

    with tracing("batch"):
        console.emit(batch.run(source, target, engine, shared().llm_url, max_tokens, streams), as_json)


@app.command()
def scale(
    streams: Annotated[int, typer.Option(min=1, help="Requests at a time.")] = 8,
    seconds: Annotated[float, typer.Option(min=3)] = 20,
    as_json: console.AsJson = False,
) -> None:
    """Two replicas behind vllm-router; one is killed under load, and what the clients saw is counted."""
    from serving import scale
    from serving.config import settings

    console.emit(scale.run(settings(), streams, seconds), as_json)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(context: typer.Context) -> None:
    """Run a command with the engine up; end the engine afterwards if this call started it."""
    from serving import server
    from serving.config import settings

    if not context.args:
        raise BadInput("no command to run", "python -m serving run -- COMMAND...")
    if not shutil.which(context.args[0]):
        raise BadInput(f"no command {context.args[0]}", "python -m serving run -- COMMAND...")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the engine is ended then, too
    _, started = server.up(settings(), owner=os.getpid())
    try:
        raise SystemExit(subprocess.run(context.args).returncode)
    finally:
        if started:
            server.down(settings(), owner=os.getpid())


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
