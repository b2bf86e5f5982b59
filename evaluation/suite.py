"""Run one release (a model and a prompt version) over a pack's cases, and keep each answer.

Answers lie in a file named by release and cases until the suite is done; one that was cut off goes on with the cases that are
missing, and says how old the others are; a new one asks anew, because the model behind the same name may have changed.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import console
from common.encoder import Encoder
from common.errors import BadInput
from common.llm import LLM, Message
from common.settings import settings as shared
from domains.forms import Attack, Passage, Question
from domains.pack import Pack
from domains.prompt import VERSIONS, messages
from evaluation.attacks import request
from evaluation.config import EvaluationSettings
from evaluation.kept import Kept


@dataclass(frozen=True)
class Release:
    """What is compared: a served model under a prompt version."""

    model: str
    prompt: str
    url: str = ""

    def __str__(self) -> str:
        return f"{self.model} with prompt {self.prompt}"


@dataclass(frozen=True)
class Case:
    """One request, built from a question or an attack."""

    id: str
    messages: list[Message]
    context: list[str]


def contexts(pack: Pack, questions: Sequence[Question], encoder: Encoder, k: int) -> dict[str, list[Passage]]:
    """question id -> its proving passages and the nearest others, k in all; in the order of nearness, so that the proving
    one is not always first."""
    by_id = {p.id: p for p in pack.passages}
    vectors = encoder([f"{p.title}\n{p.text}" for p in pack.passages])
    asked = encoder([q.question for q in questions])
    chosen = {}
    for q, vector in zip(questions, asked, strict=True):
        near = [pack.passages[i] for i in (-(vectors @ vector)).argsort(kind="stable")]
        keep = {*q.passages, *[p.id for p in near if p.id not in q.passages][: max(0, k - len(q.passages))]}
        chosen[q.id] = [by_id[p.id] for p in near if p.id in keep]
    return chosen


def cases(
    pack: Pack,
    questions: Sequence[Question],
    attacks: Sequence[Attack],
    release: Release,
    given: dict[str, list[Passage]],
) -> list[Case]:
    """The requests of a release. The same ids for every release: that is what makes the comparison paired. BadInput for an id
    that two cases share, because answers and results are kept by it."""
    built = [
        Case(
            q.id,
            messages(release.prompt, pack.config.assistant, given[q.id], q.question),
            [p.text for p in given[q.id]],
        )
        for q in questions
    ]
    built += [Case(a.id, request(a, pack, release.prompt), [a.document] if a.document else []) for a in attacks]
    shared_ids = [i for i, times in Counter(c.id for c in built).items() if times > 1]
    if shared_ids:
        raise BadInput(
            f"several cases are named {', '.join(shared_ids[:5])}",
            f"an id of its own for every question and attack   (python -m domains check {pack.spec})",
        )
    return built


@dataclass(frozen=True)
class Said:
    """An answer, and the id of its trace."""

    text: str
    trace: str = ""


def answers(release: Release, todo: Sequence[Case], llm: LLM, s: EvaluationSettings) -> dict[str, Said]:
    """case id -> answer, asked `s.concurrency` at a time, each a trace; answers that are on disk are not asked again."""
    by_id = {case.id: case for case in todo}

    def ask(name: str) -> dict[str, str]:
        found = llm.chat(by_id[name].messages, max_tokens=s.max_tokens, span=f"case {name}")
        return {"text": found.text.strip(), "trace": found.trace}

    kept = asked(str(release), list(by_id), ask, answer_file(release, todo, s), s.concurrency)
    return {name: Said(**kept[name]) for name in by_id}


def asked(title: str, names: Sequence[str], ask: Callable[[str], Any], file: Path, concurrency: int) -> Kept:
    """What `ask` says of every name, so many at once; what the file holds already is not asked again."""
    import mlflow

    last = file.stat().st_mtime if file.exists() else 0.0
    kept = Kept(file)
    missing = [name for name in names if name not in kept]
    if len(missing) < len(names):
        found, old = len(names) - len(missing), age(time.time() - last)
        console.say(f"{title}: goes on with {found} answers that a run left, the last {old} old; rm {file} asks anew")
    with console.progress(title, len(names)) as advance, ThreadPoolExecutor(concurrency) as pool:
        advance(len(names) - len(missing))

        def one(name: str) -> None:
            kept.add(name, ask(name))
            advance(1)

        list(pool.map(one, missing))
    mlflow.flush_trace_async_logging()
    return kept


def age(seconds: float) -> str:
    """How long, in the largest unit of which there are two."""
    units = ((86400, "days"), (3600, "hours"), (60, "minutes"))
    return next(
        (f"{seconds / n:.0f} {unit}" for n, unit in units if seconds >= 2 * n), f"{max(0.0, seconds):.0f} seconds"
    )


def answer_file(release: Release, todo: Sequence[Case], s: EvaluationSettings) -> Path:
    """Where the answers of a release lie; another prompt, pack or model is another file."""
    content = json.dumps(
        [release.model, release.url, s.max_tokens, [(c.id, c.messages) for c in todo], VERSIONS[release.prompt]]
    )
    return shared().folder("evaluation") / f"{release.prompt}-{hashlib.sha256(content.encode()).hexdigest()[:12]}.jsonl"
