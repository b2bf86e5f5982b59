"""Try every feature of the capability table on the endpoint that is up: `python -m serving smoke`.

A probe returns what it saw, or raises. A feature that the table says an engine lacks must be refused with a reason: an
answer in spite of that is a failure too, because it would be an answer without the feature.
"""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from common import console
from common.errors import EngineFailed
from common.llm import LLM, choice, json_schema, regex
from serving import capabilities

HELLO = [{"role": "user", "content": "Say hello in one word."}]
SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}
TOOL = {
    "type": "function",
    "function": {
        "name": "price_of",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"ticker": {"type": "string", "maxLength": 8}},
            "required": ["ticker"],
            "additionalProperties": False,
        },
    },
}


class Missing(Exception):
    """The probe found that the feature is not there."""


def want(condition: bool, seen: Any) -> str:
    """What was seen, where it is right."""
    if not condition:
        raise Missing(f"saw {seen!r}")
    return str(seen)


def chat(llm: LLM) -> str:
    """A non-empty answer with its usage."""
    answer = llm.chat(HELLO, max_tokens=8, span="smoke")
    return want(bool(answer.text.strip()) and answer.completion_tokens > 0, answer.text.strip())


def streaming(llm: LLM) -> str:
    """More than one piece."""
    pieces: list[str] = []
    llm.chat(
        [{"role": "user", "content": "Count from one to ten."}], max_tokens=16, span="smoke", on_text=pieces.append
    )
    return want(len(pieces) > 1, f"{len(pieces)} pieces")


def completions(llm: LLM) -> str:
    """Text after a prompt."""
    text = llm.complete("The capital of France is", max_tokens=6).choices[0].text
    return want(bool(text.strip()), text.strip())


def schema(llm: LLM) -> str:
    """JSON of a schema."""
    text = llm.chat(HELLO, max_tokens=40, span="smoke", **json_schema(SCHEMA)).text
    return want(isinstance(json.loads(text).get("ok"), bool), json.dumps(json.loads(text)))


def one_of(llm: LLM) -> str:
    """One of two texts, neither of which the model would say by itself."""
    text = llm.chat(HELLO, max_tokens=16, span="smoke", **choice("zebra", "quartz")).text
    return want(text in ("zebra", "quartz"), text)


def matching(llm: LLM) -> str:
    """A text that matches."""
    text = llm.chat(HELLO, max_tokens=16, span="smoke", **regex(r"[A-Z]{3}-\d{2}")).text
    return want(bool(re.fullmatch(r"[A-Z]{3}-\d{2}", text)), text)


def tool_call(llm: LLM) -> str:
    """A call whose arguments keep the tool's schema."""
    question = [{"role": "user", "content": "What is the price of ACME?"}]
    answer = llm.chat(question, max_tokens=96, span="smoke", tools=[TOOL], tool_choice="required")
    found = [(name, json.loads(arguments)) for name, arguments in answer.tool_calls]
    return want(bool(found) and found[0][0] == "price_of" and isinstance(found[0][1]["ticker"], str), found)


def logprobs(llm: LLM) -> str:
    """A log probability for each token, none above zero."""
    found = llm.chat(HELLO, max_tokens=4, span="smoke", logprobs=True, top_logprobs=2).logprobs
    return want(len(found) >= 1 and all(p <= 0 for _, p in found), f"{len(found)} tokens")


def prompt_logprobs(llm: LLM) -> str:
    """Log probabilities of the prompt's own tokens."""
    answer = llm.complete("The capital of France is", max_tokens=1, extra_body={"prompt_logprobs": 1})
    found = getattr(answer.choices[0], "prompt_logprobs", None) or []
    return want(len(found) > 3, f"{len(found)} tokens")


def embeddings(llm: LLM) -> str:
    """A vector, from an endpoint that serves an encoder."""
    return want(len(vector := llm.embed(["hello"])[0]) > 8, f"{len(vector)} numbers")


def histograms(llm: LLM) -> str:
    """Latency histograms in /metrics."""
    request = urllib.request.Request(  # noqa: S310  (the configured endpoint)
        f"{llm.url.removesuffix('/v1')}/metrics", headers={"Authorization": f"Bearer {llm.key}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as page:  # noqa: S310
            found = "time_to_first_token_seconds_bucket" in page.read().decode()
            return want(found, "time to first token" if found else "no histogram of the time to first token")
    except urllib.error.HTTPError as error:
        raise Missing(f"/metrics answers {error.code}") from error


GENERATE: dict[str, Callable[[LLM], str]] = {
    "chat": chat,
    "streaming": streaming,
    "completions": completions,
    "JSON schema": schema,
    "choice": one_of,
    "regex": matching,
    "tool calls, strict": tool_call,
    "logprobs": logprobs,
    "prompt logprobs": prompt_logprobs,
    "latency histograms": histograms,
}
UNASKED = {"latency histograms"}  # a page is there or not: nobody asks for it in a request that could be refused
EMBED: dict[str, Callable[[LLM], str]] = {"embeddings": embeddings, "latency histograms": histograms}


def smoke(llm: LLM, engine: str, task: str = "generate") -> list[dict[str, Any]]:
    """One row a feature: what was expected, what was seen, seconds, whether they agree."""
    rows = []
    probes = EMBED if task == "embed" else GENERATE
    with console.progress("smoke", len(probes)) as step:
        for feature, probe in probes.items():
            expected = not capabilities.why_not(engine, feature)
            began = time.perf_counter()
            refused = False
            try:
                there, seen = True, probe(llm)
            except (EngineFailed, Missing, ValueError, KeyError) as error:
                there, seen = False, getattr(error, "message", str(error))
                refused = getattr(error, "status", 0) == 400 or feature in UNASKED
            rows.append(
                {
                    "feature": feature,
                    "expected": expected,
                    "there": there,
                    "seen": seen[:160],
                    "seconds": round(time.perf_counter() - began, 2),
                    "ok": there if expected else refused,
                }
            )
            step(1)
    return rows
