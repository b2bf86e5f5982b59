"""Measure the serving room: `make bench-serving`, half an hour on two cores, nothing else running.

One run, the same model and prompts everywhere, 64 new tokens an answer: 1, 4 and 16 at a time, and a RAG load (16
questions on the same 900 tokens of passages, 4 at a time). Every engine is loaded alone. A part that is done is kept
under .fieldkit/serving/bench, so that a run which was cut off goes on; it is deleted at the end.
"""

import shutil
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from common import bench, console, files, stats
from common.errors import EngineFailed
from common.llm import LLM
from common.settings import ROOT
from common.settings import settings as shared
from common.tracking import tracing
from domains.pack import Pack, load
from serving import peers, plot, scale, server
from serving.config import ServingSettings
from serving.load import Round, ask_all, percentiles, shared_prefix, topics

STREAMS = (1, 4, 16)
RAG_WORDS, RAG_QUESTIONS, RAG_STREAMS = 520, 16, 4


def rag_prompts(pack: Pack, mark: str) -> list[str]:
    """Sixteen questions on the same passages of the pack."""
    given: list[str] = []
    for p in pack.passages:
        if sum(len(g.split()) for g in given) >= RAG_WORDS:
            break
        given.append(f"{p.title}\n{p.text}")
    return shared_prefix(given, [q.question for q in pack.questions[:RAG_QUESTIONS]], mark)


def engine_part(
    make: Callable[[], peers.Peer], pack: Pack, rounds: int, rag_rounds: int, starts: int
) -> dict[str, Any]:
    """Start an engine `starts` times, load it `rounds` times; everything that the tables and goals need."""
    log = shared().folder("serving") / "bench.log"
    peer = make()
    began = []
    for _ in range(starts - 1):
        with peers.running(peer, log) as (seconds, _):
            began.append(seconds)
    found: dict[str, Any] = {"name": peer.name, "speed": {}, "ttft": {}, "itl": {}, "rag": []}
    with peers.running(peer, log) as (seconds, session):
        began.append(seconds)
        for streams in STREAMS:
            ask_all(peer.url, topics(min(streams, 4), "warm"), streams, peer.body)
            done = [
                ask_all(peer.url, topics(max(2, streams), f"{r}-{streams}-"), streams, peer.body) for r in range(rounds)
            ]
            answers = [a for one in done for a in one.answers]
            found["speed"][streams] = [one.speed for one in done]
            found["ttft"][streams] = [a.ttft for a in answers]
            found["itl"][streams] = [a.itl for a in answers]
            console.say(f"{peer.name}, {streams} streams: {[round(s, 1) for s in found['speed'][streams]]} tokens/s")
        loads: list[Round] = [
            ask_all(peer.url, rag_prompts(pack, f"{r}"), RAG_STREAMS, peer.body) for r in range(rag_rounds)
        ]
        found["rag"] = [one.seconds for one in loads]
        found["rag_ttft"] = [a.ttft for one in loads for a in one.answers]
        found["gib"] = peers.memory(session)
    found["starts"] = began
    console.say(f"{peer.name}: starts {[round(s, 1) for s in began]} s, RAG {[round(s, 1) for s in found['rag']]} s")
    return found


def overhead(pairs: int = 150) -> dict[str, Any]:
    """Milliseconds that our client with its trace takes longer than OpenAI's, and than bare HTTP, on the echo engine."""
    import httpx2
    from openai import OpenAI

    s = ServingSettings(ENGINE="echo", SERVING_PORT=peers.port())
    server.up(s)
    url = f"{server.url_of(s)}/v1"
    try:
        llm, theirs = LLM(url), OpenAI(base_url=url, api_key="none")
        bare = httpx2.Client(trust_env=False)
        request: dict[str, Any] = {
            "model": "echo", "messages": [{"role": "user", "content": "hello there"}], "max_tokens": 8,
            "stream": True, "stream_options": {"include_usage": True},
        }  # fmt: skip

        def by_http() -> None:
            with bare.stream("POST", f"{url}/chat/completions", json=request) as answer:
                for _ in answer.iter_lines():
                    pass

        calls: dict[str, Callable[[], object]] = {
            "ours": lambda: llm.chat(request["messages"], max_tokens=8),
            "theirs": lambda: list(theirs.chat.completions.create(**request)),
            "bare": by_http,
        }
        times: dict[str, list[float]] = {name: [] for name in calls}
        with tracing("bench"):
            for turn in range(pairs + 20):
                for name, call in calls.items():
                    began = time.perf_counter()
                    call()
                    if turn >= 20:
                        times[name].append(1000 * (time.perf_counter() - began))
    finally:
        server.down(s)
    ours = np.asarray(times["ours"])
    return {peer: stats.bootstrap(np.median, ours - np.asarray(times[peer])) for peer in ("theirs", "bare")}


def fallback_starts(times: int = 5) -> list[float]:
    """Seconds of `up` with llama.cpp, until it answers."""
    found = []
    for _ in range(times):
        s = ServingSettings(ENGINE="llamacpp", SERVING_PORT=peers.port())
        began = time.monotonic()
        server.up(s)
        found.append(time.monotonic() - began)
        server.down(s)
    return found


def kept(name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A part of the run: done now, or found where an earlier run left it. A peer that does not run is a result, too."""
    file = shared().folder("serving/bench") / f"{name}.json"
    if not file.exists():
        try:
            files.write_json(file, make())
        except (EngineFailed, RuntimeError) as error:  # not kept: the next run tries again
            return {"name": name, "failed": str(error).splitlines()[0][-300:]}
    return dict(files.read_json(file, f"delete {file}"))


def ran(part: dict[str, Any]) -> bool:
    """Whether a part has numbers."""
    return "failed" not in part


VARIANTS: dict[str, Callable[[], peers.Peer]] = {
    "shipped, worker in a process of its own": lambda: peers.ours(
        "vllm", "", ("--distributed-executor-backend", "VLLM_ENABLE_V1_MULTIPROCESSING")
    ),
    "shipped, GNU OpenMP": lambda: peers.ours("vllm", "", ("LD_PRELOAD",)),
    "shipped, blocks of 128": lambda: peers.ours("vllm", "", ("--block-size",)),
    "shipped, compiled": lambda: peers.ours(
        "vllm", "", ("--enforce-eager", "TORCHDYNAMO_DISABLE"), environment=peers.fresh_caches()
    ),
}


def measure() -> dict[str, Any]:
    """Run everything and write benchmarks/serving.json and the picture."""
    pack = load(shared().domain)
    parts = {
        "shipped": kept("shipped", lambda: engine_part(lambda: peers.ours("vllm"), pack, 4, 4, 3)),
        "llamacpp": kept("llamacpp", lambda: engine_part(lambda: peers.ours("llamacpp"), pack, 4, 4, 2)),
        "llamacpp-16": kept(
            "llamacpp-16",
            lambda: engine_part(lambda: peers.ours("llamacpp", "llamacpp, 16 slots", slots=16), pack, 2, 1, 1),
        ),
        "batching": kept("batching", lambda: engine_part(lambda: peers.transformers(True), pack, 2, 1, 2)),
        "transformers": kept("transformers", lambda: engine_part(lambda: peers.transformers(False), pack, 2, 1, 2)),
        "defaults": kept("defaults", lambda: engine_part(peers.vllm_defaults, pack, 2, 1, 1)),
    }
    variants = {}
    for number, (name, make) in enumerate(VARIANTS.items()):
        part = partial(engine_part, make, pack, 2, 1, 1)
        variants[name] = kept(f"variant-{number}", part)
    failover = kept("failover", lambda: scale.run(ServingSettings(ENGINE="llamacpp"), streams=8, seconds=30))
    costs = overhead()
    starts = fallback_starts()
    rows = [engine_row(part) for part in parts.values()] + [start_row(part) for part in parts.values()]
    rows += [variant_row(name, part, parts["shipped"]) for name, part in variants.items()]
    rows += [{"one of two replicas is killed under load": k, "seen": str(v)} for k, v in failover.items()]
    rows += [
        {
            "our client with its trace takes longer than": {"theirs": "OpenAI's client", "bare": "bare HTTP"}[k],
            "ms": str(v),
        }
        for k, v in costs.items()
    ]
    picture = plot.engines([p for p in parts.values() if ran(p)], ROOT / "docs/pictures/engines.png")
    console.say(f"picture: {picture}")
    content = bench.write("serving", rows, goals(parts, failover, costs["theirs"], starts))
    shutil.rmtree(shared().folder("serving/bench"))
    return content


def engine_row(part: dict[str, Any]) -> dict[str, Any]:
    """Speed and latency of one engine."""
    if "failed" in part:
        return {"engine": part["name"], "did not run": part["failed"]}
    speeds = {f"tokens/s at {n}": f"{statistics.median(part['speed'][str(n)]):.1f}" for n in STREAMS}
    return {
        "engine": part["name"],
        **speeds,
        "RAG load, s": f"{statistics.median(part['rag']):.1f}",
        "TTFT at 16, s, p50 / p95 / p99": percentiles(part["ttft"]["16"]),
        "ITL at 16, s, p50 / p95 / p99": percentiles(part["itl"]["16"]),
        "rounds": len(part["speed"]["16"]),
    }


def start_row(part: dict[str, Any]) -> dict[str, Any]:
    """Starts, memory and the latencies of one and four streams."""
    if "failed" in part:
        return {"engine": part["name"], "did not run": part["failed"]}
    return {
        "engine": part["name"],
        "first start, s": f"{part['starts'][0]:.1f}",
        "later starts, s": ", ".join(f"{s:.1f}" for s in part["starts"][1:]),
        "memory, GiB": f"{part['gib']:.2f}",
        "TTFT at 1": percentiles(part["ttft"]["1"]),
        "ITL at 1": percentiles(part["itl"]["1"]),
        "TTFT at 4": percentiles(part["ttft"]["4"]),
        "ITL at 4": percentiles(part["itl"]["4"]),
        "TTFT, RAG load": percentiles(part["rag_ttft"]),
    }


def variant_row(name: str, part: dict[str, Any], shipped: dict[str, Any]) -> dict[str, Any]:
    """One setting changed, as ratios to the shipped ones."""
    if "failed" in part:
        return {"one setting changed": name, "did not run": part["failed"]}
    ratios = {
        f"speed at {n}, ratio": round(
            statistics.median(part["speed"][str(n)]) / statistics.median(shipped["speed"][str(n)]), 2
        )
        for n in STREAMS
    }
    return {
        "one setting changed": name,
        **ratios,
        "RAG load, ratio of times": round(statistics.median(part["rag"]) / statistics.median(shipped["rag"]), 2),
        "starts, s": ", ".join(f"{s:.0f}" for s in part["starts"]),
        "memory, GiB": round(part["gib"], 2),
        "rounds": len(part["speed"]["16"]),
    }


def goals(
    parts: dict[str, dict[str, Any]], failover: dict[str, Any], cost: Any, starts: list[float]
) -> list[dict[str, Any]]:
    """Each number that was asked for, met or not. Ratios: of medians, with the extremes of the rounds."""

    def ratio(over: list[float], under: list[float]) -> tuple[float, float, float]:
        middle = statistics.median(over) / statistics.median(under)
        return middle, min(over) / max(under), max(over) / min(under)

    def row(name: str, text: str, value: tuple[float, float, float], n: int, met: bool) -> dict[str, Any]:
        shown = dict(zip(("value", "low", "high"), (round(v, 2) for v in value), strict=True))
        return {"id": name, "goal": text, **shown, "n": n, "met": met, "command": "make bench-serving"}

    ours, rows = parts["shipped"], []
    for name, peer, least in (
        ("vs-defaults", "defaults", 5),
        ("vs-llamacpp", "llamacpp", 1.5),
        ("vs-transformers", "transformers", 5),
    ):
        if ran(ours) and ran(parts[peer]):
            value = ratio(ours["speed"]["16"], parts[peer]["speed"]["16"])
            text = f"tokens/s at 16 streams: at least {least} times {parts[peer]['name']}"
            rows.append(row(name, text, value, len(parts[peer]["speed"]["16"]), value[1] >= least))
    if not (ran(ours) and ran(parts["llamacpp"]) and "failed" not in failover):
        raise EngineFailed("our own engines or the failover did not run", "see above; make bench-serving goes on")
    value = ratio(parts["llamacpp"]["rag"], ours["rag"])
    rows.append(row("rag", "RAG load: at least 2 times as fast as llama.cpp", value, len(ours["rag"]), value[1] >= 2))
    warm = ours["starts"][1:]
    spread = (statistics.median(warm), min(warm), max(warm))
    rows.append(row("warm-start", "warm start: under 35 s", spread, len(warm), max(warm) < 35))
    spread = (statistics.median(starts), min(starts), max(starts))
    rows.append(row("fallback-start", "fallback up: under 3 s", spread, len(starts), max(starts) < 3))
    lost = stats.proportion(failover["lost before the first token"], failover["of these at risk"])
    text = "a replica is killed under load: no request lost that had not begun to stream (share)"
    rows.append(row("failover", text, (lost.value, lost.low, lost.high), lost.n, lost.value == 0))
    text = "our client and its trace over OpenAI's client: under 3 ms a request"
    rows.append(row("overhead", text, (cost.value, cost.low, cost.high), cost.n, cost.high < 3))
    return rows
