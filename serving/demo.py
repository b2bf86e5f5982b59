"""The demo of the serving room: real answers, streamed and cited, each one a trace."""

import os
from collections.abc import Sequence
from typing import Any

from common import console
from common.encoder import minilm
from common.llm import LLM
from common.settings import settings as shared
from common.tracking import run, tracing
from domains.pack import load
from domains.retrieval import Index
from serving import plot, server
from serving.answer import Cited, ask
from serving.config import settings


def ask_all(questions: Sequence[str]) -> list[Cited]:
    """Ask questions one after the other, streaming each answer to the terminal. NotReady where no engine is up."""
    pack, llm = load(shared().domain), LLM()
    index = Index(pack.passages, minilm(), cache=shared().folder("embeddings"))
    stream = console.console()
    answers = []
    with tracing("serving"):
        for question in questions:
            console.say(f"\nQ: {question}", style="bold")
            stream.print("A: ", end="")
            cited = ask(
                question,
                pack,
                index,
                llm,
                prompt=settings().prompt,
                k=settings().top_k,
                on_text=lambda t: stream.print(t, end="", markup=False),
            )
            sources = ", ".join(cited.cites) or "none: no passage given to the model supports this answer"
            console.say(f"\n   cites {sources}; first token after {cited.answer.ttft:.2f} s", style="dim")
            answers.append(cited)
    return answers


def demo(count: int) -> dict[str, Any]:
    """Ask `count` of the pack's questions, the last one unanswerable; log a run; draw the timeline."""
    pack = load(shared().domain)
    answerable = [q.question for q in pack.questions if q.answerable]
    unanswerable = [q.question for q in pack.questions if not q.answerable]
    questions = [*answerable[:: max(1, len(answerable) // max(1, count - 1))][: count - 1], *unanswerable[:1]]
    state, started = server.up(settings(), owner=os.getpid())
    try:
        answers = ask_all(questions)
    finally:
        if started:
            server.down(settings(), owner=os.getpid())
    picture = plot.timeline(answers, f"{state['engine']}, {state['precision']}", shared().reports / "serving.png")
    tokens = sum(a.answer.completion_tokens for a in answers)
    seconds = sum(a.answer.seconds for a in answers)
    metrics = {"ttft_mean": sum(a.answer.ttft for a in answers) / len(answers), "tokens_per_second": tokens / seconds}
    with run("serving", f"demo {pack.name}") as opened:
        opened.params(
            {k: state[k] for k in ("engine", "model", "precision", "threads")}
            | {"domain": pack.name, "questions": len(answers)}
        )
        opened.metrics(metrics)
        opened.artifact(picture)
    console.say(f"\npicture: {picture}")
    return {
        "engine": state["engine"],
        "picture": str(picture),
        "run": opened.id,
        "answers": [{"question": a.question, "answer": a.answer.text, "cites": a.cites} for a in answers],
        **metrics,
    }
