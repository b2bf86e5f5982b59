"""Answer a question from a pack's documents, with citations.

Citations are found by comparing the answer with the passages it was given: meaning, words and numbers; the model is not asked to cite, because a small one cannot be trusted to. An answer that no passage supports is
returned with no citation, and says so on the terminal.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from common.encoder import Encoder
from common.llm import LLM, Answer
from domains.forms import Passage
from domains.pack import Pack
from domains.passages import sentences
from domains.prompt import messages
from domains.retrieval import Index

SUPPORT = 0.5  # cosine to the nearest sentence, below which a passage is no evidence


@dataclass(frozen=True)
class Cited:
    """An answer, the passages that were given to the model and the ids of those that support it."""

    question: str
    answer: Answer
    given: list[Passage]
    cites: list[str]
    text: str  # the answer, each sentence with the ids of the passages that support it


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
        text, cites = with_ids(question, answer.text, given, index.encoder)
        trace.set_outputs({"answer": text, "cites": cites})
    return Cited(question, answer, given, cites, text)


def with_ids(question: str, answer: str, passages: Sequence[Passage], encoder: Encoder) -> tuple[str, list[str]]:
    """(the answer with the ids of its evidence after each sentence, all these ids); a sentence without any stays bare."""
    marked, found = [], []
    for sentence in sentences(answer):
        worded = re.search(r"[A-Za-z]{4,}", sentence)  # "1." of a list says nothing that could be supported
        cites = support(question, sentence, passages, encoder) if worded else []
        marked.append(f"{sentence} [{', '.join(cites)}]" if cites else sentence)
        found += [c for c in cites if c not in found]
    return " ".join(marked), found


def support(question: str, answer: str, passages: Sequence[Passage], encoder: Encoder) -> list[str]:
    """Ids of the passages that support an answer.

    A passage does if one of its sentences is close in meaning to question and answer together, it holds at least half of
    the answer's content words, and every number that the answer names. On the packs' 236 questions with one passage this
    keeps 227 reference answers on their proving passage and 1 on another.
    """
    if not answer.strip():
        return []
    told = encoder([f"{question} {answer}"])[0]
    return [p.id for p in passages if holds(answer, p) and float((encoder(sentences(p.text)) @ told).max()) >= SUPPORT]


def holds(answer: str, passage: Passage) -> bool:
    """Whether a passage has the numbers and at least half of the content words of an answer."""
    text = f"{passage.title} {passage.text}".lower()
    said = [w for w in re.findall(r"[a-z]{4,}", answer.lower())]
    numbers = set(re.findall(r"\d+(?:\.\d+)?", answer))
    return numbers <= set(re.findall(r"\d+(?:\.\d+)?", text)) and sum(w in text for w in said) >= len(said) / 2
