"""The kit's judges as RAGAS metrics, and RAGAS's own that need no LLM: retrieval by id, and likeness to the reference."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from common.encoder import Encoder
from evaluation.grounded import Grounded


def groundedness(judge: Grounded) -> Any:
    """`.score(response=..., retrieved_contexts=[...], user_input=...).value`: P(grounded)."""
    from ragas.metrics.collections.base import BaseMetric
    from ragas.metrics.result import MetricResult

    class Groundedness(BaseMetric):
        async def ascore(self, response: str, retrieved_contexts: list[str], user_input: str = "") -> Any:
            found = judge.one(response, tuple(retrieved_contexts), user_input)
            marked = ", ".join(m.text for m in found.marks)
            return MetricResult(value=found.p, reason=f"unsupported: {marked}" if marked else "all supported")

    return Groundedness(name=f"groundedness ({judge.name})")


def value(metric: Any, **fields: Any) -> float:
    """A metric's score, also in a notebook, whose running loop RAGAS's own `score` refuses."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return float(asyncio.run(metric.ascore(**fields)).value)
    with ThreadPoolExecutor(1) as pool:
        return float(pool.submit(asyncio.run, metric.ascore(**fields)).result().value)


def similarity(encoder: Encoder) -> Any:
    """RAGAS's SemanticSimilarity on the packaged encoder: `.score(reference=..., response=...).value`, clamped to [0, 1]."""
    from ragas.embeddings.base import BaseRagasEmbedding
    from ragas.metrics.collections import SemanticSimilarity
    from ragas.metrics.result import MetricResult

    class Packaged(BaseRagasEmbedding):
        def embed_text(self, text: str, **kwargs: Any) -> list[float]:
            return [float(x) for x in encoder([text])[0]]

        async def aembed_text(self, text: str, **kwargs: Any) -> list[float]:
            return self.embed_text(text)

    class Clamped(SemanticSimilarity):
        async def ascore(self, reference: str, response: str) -> Any:
            found = await super().ascore(reference, response)
            return MetricResult(value=min(1.0, max(0.0, float(found.value))))

    return Clamped(embeddings=Packaged())


def retrieval(retrieved: Sequence[str], wanted: Sequence[str]) -> dict[str, float]:
    """RAGAS's context precision and recall by id: what share of the retrieved proves something, what share of the proof came."""
    from ragas.dataset_schema import SingleTurnSample
    from ragas.metrics._context_precision import (
        IDBasedContextPrecision,
    )  # `ragas.metrics` warns: they move to collections
    from ragas.metrics._context_recall import IDBasedContextRecall

    sample = SingleTurnSample(retrieved_context_ids=list(retrieved), reference_context_ids=list(wanted))
    return {
        "context_precision": float(IDBasedContextPrecision().single_turn_score(sample)),
        "context_recall": float(IDBasedContextRecall().single_turn_score(sample)),
    }
