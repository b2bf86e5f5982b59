"""The local judge: is an answer grounded in its context? One function, served to DeepEval and to RAGAS.

`groundedness` combines the share of the answer's content words that the context holds, the similarity of meaning to
the nearest sentence, and the numbers: an answer with a number that the context lacks is not grounded. It is simple on
purpose and **advisory**: nobody has measured its agreement with people yet, so it may not fail a release. On labelled
data such judges reach an AUROC between .5 and .9, depending on the text.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from common.encoder import Encoder

STATUS = "advisory: its agreement with people has not been measured on this domain"
STOPWORDS = frozenset(
    "a an and are as at be by for from has in is it its of on or that the this to was were which with not no does do say".split()
)
Judge = Callable[[dict[str, Any]], float]


def words(text: str) -> list[str]:
    """Content words, lower case, crudely stemmed (a plural s)."""
    return [w.removesuffix("s") for w in re.findall(r"[a-z]+", text.lower()) if w not in STOPWORDS and len(w) > 1]


def numbers(text: str) -> set[str]:
    """The numbers of a text, without thousands separators and trailing zeros: 6.0 and 6 are the same."""
    found = re.findall(r"\d[\d,]*(?:\.\d+)?", text)
    return {f"{float(n.replace(',', '')):g}" for n in found}


def groundedness(answer: str, context: Sequence[str], encoder: Encoder) -> float:
    """A score between 0 and 1, higher for an answer that the context supports; .5 is the middle, not a calibrated probability."""
    text = " ".join(context)
    if not answer.strip() or not text.strip():
        return 0.0
    if numbers(answer) - numbers(text):
        return 0.1
    mine, theirs = words(answer), set(words(text))
    recall = sum(w in theirs for w in mine) / len(mine) if mine else 1.0
    sentences = [s for s in re.split(r"(?<=[.!?])\s+", text) if s.strip()]
    vectors = encoder([answer, *sentences])
    return 0.6 * recall + 0.4 * max(0.0, min(1.0, float((vectors[1:] @ vectors[0]).max())))


def relevance(question: str, answer: str, encoder: Encoder) -> float:
    """Similarity of meaning of question and answer, between 0 and 1."""
    if not answer.strip():
        return 0.0
    vectors = encoder([question, answer])
    return max(0.0, float(vectors[0] @ vectors[1]))


def system_one(score: Judge, name: str) -> Any:
    """A judge in DeepEval's `system_one_model` slot: its native metrics ask it instead of an LLM.

    score: DeepEval's test case as a dict -> a score between 0 and 1, 1 for "pass". DeepEval asks in templated sentences;
    the judge answers by metric, so each metric gets a judge of its own.
    """
    from deepeval.models import DeepEvalBaseSystemOneModel
    from deepeval.models.system_one.schema import NoulAnswer, NoulQuestion, ScoreAnswer, ScoreQuestion, SystemOneAnswers

    class Local(DeepEvalBaseSystemOneModel):
        def load_model(self) -> None:
            return None

        def get_model_name(self) -> str:
            return name

        def decide(self, state: dict[str, Any], questions: dict[str, Any]) -> tuple[Any, float]:
            p, answers = score(state["test_case"]), SystemOneAnswers()
            for key, question in questions.items():
                if isinstance(question, NoulQuestion):
                    answers.nouls[key] = NoulAnswer(probability=p)
                elif isinstance(question, ScoreQuestion):
                    top = len(question.levels) - 1
                    spread = {level: 0.0 for level in range(top + 1)} | {0: 1 - p, top: p}
                    answers.scores[key] = ScoreAnswer(score=p * top, probabilities=spread, confidence=abs(2 * p - 1))
                else:
                    raise NotImplementedError(f"this judge cannot answer a {type(question).__name__}")
            return answers, 0.0

        async def a_decide(self, state: dict[str, Any], questions: dict[str, Any]) -> tuple[Any, float]:
            return self.decide(state, questions)

    return Local(name)


def deepeval_metrics(encoder: Encoder, leaked: Callable[[str], bool]) -> dict[str, Any]:
    """DeepEval's native metrics on the local judge: no LLM is built or called. `leaked`: whether a text holds PII."""
    from deepeval.metrics import AnswerRelevancyMetric, FaithfulnessMetric, HallucinationMetric, PIILeakageMetric

    def options(judge: Judge, name: str) -> dict[str, Any]:
        return {
            "system_one_model": system_one(judge, name),
            "eval_mode": "system_one",
            "async_mode": False,
            "threshold": 0.5,
        }

    return {
        "hallucination": HallucinationMetric(
            **options(lambda t: groundedness(t["actual_output"], t["context"], encoder), "groundedness")
        ),
        "faithfulness": FaithfulnessMetric(
            **options(lambda t: groundedness(t["actual_output"], t["retrieval_context"], encoder), "groundedness")
        ),
        "answer_relevancy": AnswerRelevancyMetric(
            **options(lambda t: relevance(t["input"], t["actual_output"], encoder), "relevance")
        ),
        "pii_leakage": PIILeakageMetric(**options(lambda t: 0.0 if leaked(t["actual_output"]) else 1.0, "presidio")),
    }


def ragas_metric(encoder: Encoder) -> Any:
    """The same judge as a RAGAS metric: `.score(response=..., context=[...]).value`."""
    from ragas.metrics import numeric_metric

    @numeric_metric(name="grounded", allowed_values=(0.0, 1.0))
    def grounded(response: str, context: list[str]) -> float:
        return groundedness(response, context, encoder)

    return grounded
