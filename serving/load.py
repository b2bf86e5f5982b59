"""Load an OpenAI-compatible endpoint with streamed requests and time every token: one client for all engines.

Inter-token latency is a request's time after its first token over its remaining tokens, because servers send several
tokens in one piece. Answers have exactly TOKENS tokens everywhere, so that engines do equal work.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

TOKENS = 64


@dataclass(frozen=True)
class Timing:
    """One answer: seconds to the first token, seconds in all, tokens."""

    ttft: float
    seconds: float
    tokens: int

    @property
    def itl(self) -> float:
        """Mean seconds between two tokens."""
        return (self.seconds - self.ttft) / max(1, self.tokens - 1)


@dataclass(frozen=True)
class Round:
    """Answers that were asked for together, and the seconds until the last was whole."""

    seconds: float
    answers: tuple[Timing, ...]

    @property
    def speed(self) -> float:
        """Tokens a second, of all streams together."""
        return sum(a.tokens for a in self.answers) / self.seconds


async def one(client: Any, url: str, prompt: str, body: dict[str, Any]) -> Timing:
    """One streamed chat completion. Raises RuntimeError on an error or an answer of another length."""
    began, first, tokens = time.perf_counter(), 0.0, 0
    request = {"messages": [{"role": "user", "content": prompt}], "stream": True, "temperature": 0.0, **body}
    async with client.stream("POST", f"{url}/chat/completions", json=request) as answer:
        if answer.status_code != 200:
            raise RuntimeError(f"{url}: {answer.status_code} {(await answer.aread())[:200]!r}")
        async for line in answer.aiter_lines():
            if line.startswith("data: {"):
                event = json.loads(line[6:])
                if "error" in event:
                    raise RuntimeError(f"{url}: {event['error']}")
                tokens = (event.get("usage") or {}).get("completion_tokens") or tokens
                if not first and event["choices"] and event["choices"][0]["delta"].get("content"):
                    first = time.perf_counter() - began
    if tokens < TOKENS:
        raise RuntimeError(f"{url}: {tokens} tokens came back, not {TOKENS}")
    return Timing(first, time.perf_counter() - began, tokens)


def ask_all(url: str, prompts: Sequence[str], streams: int, body: dict[str, Any]) -> Round:
    """Ask `prompts` with at most `streams` at a time."""
    import httpx2

    async def go() -> Round:
        gate = asyncio.Semaphore(streams)
        async with httpx2.AsyncClient(timeout=900, trust_env=False) as client:

            async def gated(prompt: str) -> Timing:
                async with gate:
                    return await one(client, url, prompt, body)

            began = time.perf_counter()
            answers = await asyncio.gather(*(gated(p) for p in prompts))
            return Round(time.perf_counter() - began, tuple(answers))

    return asyncio.run(go())


def topics(count: int, mark: str) -> list[str]:
    """Short prompts, all different: nothing but the chat template's head is shared. mark: makes a round's prompts new."""
    return [f"({mark}{i}) Explain topic number {i} of risk management." for i in range(count)]


def shared_prefix(passages: Sequence[str], questions: Sequence[str], mark: str) -> list[str]:
    """RAG prompts: the same passages first, a question last. mark: makes a round's prefix new."""
    context = "\n\n".join(passages)
    return [f"Round {mark}. Passages:\n{context}\n\nQuestion: {q}" for q in questions]


def percentiles(values: Sequence[float]) -> str:
    """p50 / p95 / p99."""
    return " / ".join(f"{np.percentile(values, p):.3g}" for p in (50, 95, 99))
