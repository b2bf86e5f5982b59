"""An LLM behind any OpenAI-compatible endpoint as a judge: one question a claim, an answer that a schema binds.

The score is P(supported), out of the log probabilities of the words "true" and "false" where the endpoint gives them; else
it is 1 or 0. Judgements are kept by content, so that a run that was cut off asks nothing twice.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from common import console
from common.errors import EngineFailed
from common.llm import LLM, Answer, json_schema
from evaluation.agreement import Floats
from evaluation.claims import evidence
from evaluation.kept import Kept
from evaluation.labelled import Claim

BUDGET = 350  # words of evidence: what a small model still reads in a second or two
SCHEMA = {
    "type": "object",
    "properties": {"supported": {"type": "boolean"}},
    "required": ["supported"],
    "additionalProperties": False,
}
SYSTEM = 'You check statements. Say whether the passages support everything that the statement says. Answer in JSON: {"supported": true} or {"supported": false}.'
USER, ASKED = "Passages:\n{passages}\n\n{asked}Statement: {statement}", "Question: {question}\n"


class Endpoint:
    """A served LLM as judge. Another model, address or prompt is another judge, with judgements and a card of its own."""

    def __init__(self, llm: LLM, folder: Path, concurrency: int = 8):
        self._llm, self._concurrency = llm, concurrency
        self.name = llm.model.rstrip("/").rpartition("/")[2]
        made_of = [llm.url.rstrip("/"), llm.model, SYSTEM, USER, ASKED, SCHEMA, BUDGET]
        self.version = hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:12]
        self._kept = Kept(folder / f"judged-{self.name}-{self.version}.jsonl")

    def scores(self, claims: Sequence[Claim]) -> Floats:
        """claims (n) -> P(supported) (n,)."""
        keys = [hashlib.sha256(repr((c.text, c.passages, c.question)).encode()).hexdigest() for c in claims]
        todo = {key: c for key, c in zip(keys, claims, strict=True) if key not in self._kept}
        shown = (
            console.progress(f"judging with {self.name}", len(todo)) if len(todo) > 1 else nullcontext(lambda n: None)
        )
        with shown as advance, ThreadPoolExecutor(self._concurrency) as pool:
            for key, score in zip(todo, pool.map(self._one, todo.values()), strict=True):
                self._kept.add(key, score)
                advance(1)
        return np.array([self._kept[key] for key in keys])

    def _one(self, claim: Claim) -> float:
        asked = ASKED.format(question=claim.question) if claim.question else ""
        passages = evidence(f"{claim.text} {claim.question}", claim.passages, BUDGET)
        messages = [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": USER.format(passages=passages, asked=asked, statement=claim.text)},
        ]
        answer = self._llm.chat(
            messages, max_tokens=16, span="judge", logprobs=True, top_logprobs=10, **json_schema(SCHEMA)
        )
        return supported(answer, self._llm.url)


def supported(answer: Answer, url: str) -> float:
    """P(supported) of an answer. EngineFailed where it is not of the schema."""
    try:
        said = json.loads(answer.text)["supported"]
        if not isinstance(said, bool):  # the text "false" would count as true
            raise TypeError(said)
    except (ValueError, KeyError, TypeError) as error:
        raise EngineFailed(
            f"{url}: {answer.text[:80]!r} is not the JSON that was asked for",
            "an endpoint that binds answers by response_format",
        ) from error
    for offered in answer.offered:
        weights = {
            word: sum(math.exp(p) for token, p in offered if token.strip().lower() == word)
            for word in ("true", "false")
        }
        if all(weights.values()):
            return weights["true"] / sum(weights.values())
    return 1.0 if said else 0.0
