"""Measure the evaluation room: what a judgement costs, and what the normaliser sees."""

import time
from typing import Any

from common import bench
from common.encoder import minilm
from common.settings import settings as shared
from domains.pack import load
from evaluation import judge, pii


def measure() -> dict[str, Any]:
    """Write benchmarks/evaluation.json: milliseconds a judgement, over the pack's own answers. No LLM is involved."""
    from deepeval.test_case import LLMTestCase

    pack, encoder = load(shared().domain), minilm()
    by_id = {p.id: p.text for p in pack.passages}
    asked = [(q, [by_id[p] for p in q.passages]) for q in pack.questions if q.passages]
    metrics, grounded = (
        judge.deepeval_metrics(encoder, lambda text: bool(pii.leaks(text, "", [], 0.4))),
        judge.ragas_metric(encoder),
    )
    tests = [LLMTestCase(input=q.question, actual_output=q.answer, context=c, retrieval_context=c) for q, c in asked]
    jobs: dict[str, Any] = {
        f"DeepEval {name}": lambda t, m=metric: m.measure(t, _show_indicator=False) for name, metric in metrics.items()
    }
    jobs["RAGAS grounded"] = lambda t: grounded.score(response=t.actual_output, context=t.context)
    jobs["Presidio"] = lambda t: pii.identifiers(t.actual_output, 0.4)
    rows = []
    for name, job in jobs.items():
        job(tests[0])
        began = time.perf_counter()
        for test in tests:
            job(test)
        rows.append(
            {
                "what": name,
                "ms a judgement": round((time.perf_counter() - began) / len(tests) * 1000, 1),
                "n": len(tests),
            }
        )
    return bench.write("evaluation", rows)
