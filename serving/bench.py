"""Measure the serving room: does the retriever find the proving passage, and how fast is the engine."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from common import bench, console, stats
from common.encoder import minilm
from common.llm import LLM
from common.settings import settings as shared
from common.tracking import tracing
from domains.pack import Pack, load
from serving import server
from serving.config import settings
from serving.retrieval import Index

TOKENS = 64


def retrieval(pack: Pack) -> list[dict[str, Any]]:
    """Recall at 5 and mean reciprocal rank of the proving passage, with 95 % intervals, for each half and both together."""
    index = Index(pack.passages, minilm())
    asked = [q for q in pack.questions if q.passages]
    rows = []
    for name in ("lexical", "dense", "fused"):
        ranks = []
        for q in asked:
            order = [index.passages[i].id for i in np.argsort(-index.scores(q.question)[name], kind="stable")]
            ranks.append(1 + min(order.index(p) for p in q.passages))
        recall = stats.proportion(sum(r <= 5 for r in ranks), len(ranks))
        rows.append(
            {
                "what": f"retrieval, {name}",
                "recall at 5": str(recall),
                "MRR": str(stats.mean([1 / r for r in ranks])),
                "n": len(ranks),
            }
        )
    return rows


def throughput(streams: int, llm: LLM) -> dict[str, Any]:
    """Tokens a second of all streams together, and the median time to first token; two rounds after a warm one."""

    def one(i: int) -> tuple[int, float]:
        prompt = [{"role": "user", "content": f"Explain topic number {i} of risk management."}]
        answer = llm.chat(prompt, max_tokens=TOKENS, span="bench", extra_body={"ignore_eos": True})
        return answer.completion_tokens, answer.ttft

    with ThreadPoolExecutor(streams) as pool:
        list(pool.map(one, range(streams)))
        began = time.perf_counter()
        found = list(pool.map(one, range(100, 100 + 2 * streams)))
        seconds = time.perf_counter() - began
    return {
        "streams": streams,
        "tokens/s": round(sum(n for n, _ in found) / seconds, 1),
        "TTFT p50 s": round(float(np.median([t for _, t in found])), 2),
        "n": len(found),
    }


def measure() -> dict[str, Any]:
    """Run both and write benchmarks/serving.json."""
    rows = retrieval(load(shared().domain))
    state, started = server.up(settings())
    try:
        with tracing("bench"):
            llm = LLM()
            for streams in (1, 4, 16):
                rows.append({"what": f"{state['engine']}, {state['precision']}", **throughput(streams, llm)})
                console.say(str(rows[-1]))
    finally:
        if started:
            server.down(settings())
    return bench.write("serving", rows)
