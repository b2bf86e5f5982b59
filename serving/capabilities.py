"""What each engine can do, and what is refused instead of being ignored.

An OpenAI-compatible server ignores fields that it does not know: `guided_choice` on a new vLLM, `tools` on llama.cpp
with a template that has no place for them. The caller then gets an answer of the wrong kind with status 200. The door
(`serving.door`) refuses such requests with the text below. `python -m serving smoke` tries every row on the engine
that is up; the tests hold this table against what smoke finds, and the README's table is made from it.
"""

from collections.abc import Mapping
from typing import Any

YES = ""  # no reason why not

# feature -> engine -> why it is not there (YES where it is)
TABLE: dict[str, dict[str, str]] = {
    "chat": {"vllm": YES, "llamacpp": YES, "echo": YES},
    "streaming": {"vllm": YES, "llamacpp": YES, "echo": YES},
    "completions": {"vllm": YES, "llamacpp": YES, "echo": "a fake: chat only"},
    "JSON schema": {"vllm": YES, "llamacpp": YES, "echo": "a fake: no model, no constraint"},
    "choice": {"vllm": YES, "llamacpp": YES, "echo": "a fake: no model, no constraint"},
    "regex": {
        "vllm": YES,
        "llamacpp": "its grammar is GBNF, not regular expressions",
        "echo": "a fake: no model, no constraint",
    },
    "tool calls, strict": {
        "vllm": YES,
        "llamacpp": "the packaged model's template drops the tools without a word",
        "echo": "a fake: no model, no tools",
    },
    "logprobs": {"vllm": YES, "llamacpp": YES, "echo": "a fake: no probabilities"},
    "prompt logprobs": {
        "vllm": YES,
        "llamacpp": "its server returns none for the prompt",
        "echo": "a fake: no probabilities",
    },
    "LoRA adapters": {"vllm": YES, "llamacpp": "the kit gives it none", "echo": "a fake: no weights"},
    "embeddings": {
        "vllm": YES,
        "llamacpp": "the kit serves it for generation only",
        "echo": "a fake: no model",
    },
    "latency histograms": {
        "vllm": YES,
        "llamacpp": "its /metrics has counters only",
        "echo": "a fake: no /metrics",
    },
    "API key": {"vllm": YES, "llamacpp": YES, "echo": YES},
    "503 with Retry-After": {"vllm": YES, "llamacpp": YES, "echo": YES},
}

# request field -> feature that it needs
FIELDS = {
    "tools": "tool calls, strict",
    "functions": "tool calls, strict",
    "logprobs": "logprobs",
    "top_logprobs": "logprobs",
    "prompt_logprobs": "prompt logprobs",
    "response_format": "JSON schema",
}
# older names that today's vLLM takes for unknown fields: 200, and no constraint
RENAMED = {
    "guided_json": 'response_format={"type": "json_schema", ...}',
    "guided_choice": 'structured_outputs={"choice": [...]}',
    "guided_regex": 'structured_outputs={"regex": "..."}',
    "guided_grammar": 'structured_outputs={"grammar": "..."}',
}
OFF: tuple[Any, ...] = (None, False, [], {}, {"type": "text"})


def off(field: str, value: Any) -> bool:
    """Whether a field asks for nothing. 0 log probabilities of the prompt are still those of its own tokens."""
    if field == "prompt_logprobs":
        return value is None
    return value in OFF


def why_not(engine: str, feature: str) -> str:
    """Why an engine lacks a feature; empty where it has it, or where the engine is not ours."""
    return TABLE[feature].get(engine, YES)


def refusal(engine: str, path: str, body: Mapping[str, Any]) -> str:
    """Why a request must not reach the engine, which would ignore a part of it; empty where it may."""
    for old, new in RENAMED.items():
        if old in body:
            return f"{old} is not read by this server and would be ignored; use {new}"
    needed = {feature for field, feature in FIELDS.items() if not off(field, body.get(field))}
    constraint = body.get("structured_outputs")
    if constraint is not None and not isinstance(constraint, dict):
        return 'structured_outputs must be an object such as {"choice": [...]}'
    if isinstance(constraint, dict):
        needed |= {{"choice": "choice", "json": "JSON schema"}.get(kind, "regex") for kind in constraint}
    if path.endswith("/completions") and not path.endswith("/chat/completions"):
        needed.add("completions")
    if path.endswith("/embeddings"):
        needed.add("embeddings")
    for feature in sorted(needed):
        if reason := why_not(engine, feature):
            return f"engine {engine} has no {feature}: {reason}; ENGINE=vllm has it"
    for field in ("max_tokens", "max_completion_tokens"):
        if isinstance(body.get(field), int) and body[field] < 1:
            return f"{field} must be at least 1"
    if isinstance(body.get("temperature"), int | float) and body["temperature"] < 0:
        return "temperature must not be negative"
    if body.get("messages") == []:
        return "messages is empty"
    return ""


def markdown() -> str:
    """The README's table."""
    engines = ("vllm", "llamacpp", "echo")
    rows = [["feature", *engines], ["---"] * 4]
    rows += [[feature, *(f"no: {by[e]}" if by[e] else "yes" for e in engines)] for feature, by in TABLE.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
