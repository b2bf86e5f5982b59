"""Answer a question from a pack's documents, with citations.

Citations are found by comparing the answer with the passages it was given, sentence embeddings and shared numbers
both; the model is not asked to cite, because a small one cannot be trusted to. An answer that no passage supports is
returned with no citation, and says so on the terminal.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from common.encoder import Encoder
from common.llm import LLM, Answer
from domains.pack import Pack, Passage
from domains.prompt import messages
from serving.retrieval import Index

SUPPORT = 0.5  # cosine below which a passage does not count as evidence for an answer


@dataclass(frozen=True)
class Cited:
    """An answer, the passages that were given to the model and the ids of those that support it."""

    question: str
    answer: Answer
    given: list[Passage]
    cites: list[str]


def ask(
    question: str,
    pack: Pack,
    index: Index,
    llm: LLM,
    *,
    prompt: str,
    k: int,
    max_tokens: int = 64,
    on_text: Callable[[str], None] | None = None,
) -> Cited:
    """Retrieve, generate and cite, as one trace with a span for each step."""
    import mlflow

    with mlflow.start_span("ask", span_type="CHAIN") as trace:
        trace.set_inputs({"question": question})
        with mlflow.start_span("retrieve", span_type="RETRIEVER") as span:
            span.set_inputs({"question": question, "k": k})
            found = index.search(question, k)
            given = [passage for passage, _ in found]
            span.set_outputs([{"page_content": p.text, "metadata": {"id": p.id, "score": score}} for p, score in found])
        request = messages(prompt, pack.config.assistant, given, question)
        answer = llm.chat(request, max_tokens=max_tokens, on_text=on_text)
        cites = support(answer.text, given, index.encoder)
        trace.set_outputs({"answer": answer.text, "cites": cites})
    return Cited(question, answer, given, cites)


def support(answer: str, passages: Sequence[Passage], encoder: Encoder) -> list[str]:
    """Ids of the passages that support an answer: close in meaning, and holding every number that the answer names."""
    if not answer.strip() or not passages:
        return []
    vectors = encoder([answer, *(p.text for p in passages)])
    near = vectors[1:] @ vectors[0] >= SUPPORT
    numbers = set(re.findall(r"\d+(?:\.\d+)?", answer))
    return [
        p.id
        for p, close in zip(passages, near, strict=True)
        if close and numbers <= set(re.findall(r"\d+(?:\.\d+)?", p.text))
    ]
