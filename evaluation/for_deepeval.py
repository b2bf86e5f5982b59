"""The kit's judges as DeepEval's: native metrics ask them in the `system_one_model` slot, and no LLM is built or called.

DeepEval sends templated sentences and a test case; the judge answers by metric, so each metric gets a judge object with a
name of its own. (DeepEval asks metrics whose judges share a name in one request, and would mix their answers.)
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from common.encoder import Encoder
from common.errors import NotReady
from domains.pack import Pack
from evaluation.grounded import Grounded

Score = Callable[[dict[str, Any]], float]
CASE: ContextVar[Any] = ContextVar("CASE", default=None)


def system_one(score: Score, name: str) -> Any:
    """A judge for one metric. score: DeepEval's test case as a dict -> P(pass)."""
    from deepeval.models import DeepEvalBaseSystemOneModel
    from deepeval.models.system_one.schema import (
        ChoiceAnswer,
        ChoiceQuestion,
        NoulAnswer,
        NoulQuestion,
        ScoreAnswer,
        SystemOneAnswers,
    )

    class Local(DeepEvalBaseSystemOneModel):
        def load_model(self) -> None:
            return None

        def get_model_name(self) -> str:
            return name

        def decide(self, state: dict[str, Any], questions: dict[str, Any]) -> tuple[Any, float]:
            p, answers = score(state.get("test_case") or measured()), SystemOneAnswers()
            for key, question in questions.items():
                if isinstance(question, NoulQuestion):
                    answers.nouls[key] = NoulAnswer(probability=p)
                elif isinstance(question, ChoiceQuestion):
                    yes, *_, no = question.options
                    spread = dict.fromkeys(question.options, 0.0) | {no: 1 - p, yes: p}
                    best = yes if p >= 0.5 else no
                    answers.choices[key] = ChoiceAnswer(choice=best, probabilities=spread, confidence=abs(2 * p - 1))
                else:
                    top = len(question.levels) - 1
                    levels = dict.fromkeys(range(top + 1), 0.0) | {0: 1 - p, top: p}
                    answers.scores[key] = ScoreAnswer(score=p * top, probabilities=levels, confidence=abs(2 * p - 1))
            return answers, 0.0

        async def a_decide(self, state: dict[str, Any], questions: dict[str, Any]) -> tuple[Any, float]:
            return self.decide(state, questions)

    return Local(name)


@contextmanager
def measuring(case: Any) -> Iterator[None]:
    """While a DAG measures a case."""
    token = CASE.set(case)
    try:
        yield
    finally:
        CASE.reset(token)


def measured() -> dict[str, Any]:
    """The test case that a DAG measures now: its nodes send one text, in which an answer could forge a field's name."""
    case = CASE.get()
    if case is None:
        raise NotReady("a DAG's node sends no test case", "for_deepeval.dag(judge, tree) instead of DAGMetric")
    return {name: getattr(case, name) for name in ("input", "actual_output", "context", "retrieval_context")}


def options(score: Score, name: str, threshold: float = 0.5) -> dict[str, Any]:
    """What a native metric takes to run on a local judge."""
    return {
        "system_one_model": system_one(score, name),
        "eval_mode": "system_one",
        "async_mode": False,
        "threshold": threshold,
    }


def supported(judge: Grounded, field: str) -> Score:
    """P(grounded) of the answer in what a field of the test case holds."""
    return lambda case: judge.one(case["actual_output"], tuple(case.get(field) or ()), case.get("input") or "").p


def metrics(judge: Grounded, encoder: Encoder, leaked: Callable[[str], bool]) -> dict[str, Any]:
    """DeepEval's native metrics by name. leaked: whether a text holds an identifier; the metric shows it the output alone."""
    import warnings

    from deepeval.metrics import AnswerRelevancyMetric, FaithfulnessMetric, HallucinationMetric, PIILeakageMetric

    at = judge.card.threshold
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the score's direction changed; a test holds ours
        return {
            "hallucination": HallucinationMetric(**options(supported(judge, "context"), f"{judge.name} hallucination", at)),
            "faithfulness": FaithfulnessMetric(**options(supported(judge, "retrieval_context"), f"{judge.name} faithfulness", at)),
            "answer_relevancy": AnswerRelevancyMetric(**options(lambda c: relevance(c["input"], c["actual_output"], encoder), "minilm relevancy")),
            "pii_leakage": PIILeakageMetric(**options(lambda c: 0.0 if leaked(c["actual_output"]) else 1.0, "presidio leakage")),
        }  # fmt: skip


def dag(judge: Grounded, tree: Any = None) -> Any:
    """DeepEval's DAG metric on a tree of yours, or on one node: is what was answered supported? All judgements of a tree are the
    judge's verdict; a task node needs an LLM."""
    from deepeval.metrics import DAGMetric

    class Told(DAGMetric):
        """Says which case it measures."""

        def measure(self, test_case: Any, *args: Any, **kwargs: Any) -> float:
            with measuring(test_case):
                return float(super().measure(test_case, *args, **kwargs))

        async def a_measure(self, test_case: Any, *args: Any, **kwargs: Any) -> float:
            with measuring(test_case):
                return float(await super().a_measure(test_case, *args, **kwargs))

    def passes(case: dict[str, Any]) -> float:
        passages = tuple(case["retrieval_context"] or ())
        return float(judge.one(case["actual_output"], passages, case["input"] or "").passed)

    return Told(
        name="grounded",
        dag=tree or one_node(),
        model=nobody(),
        include_reason=False,
        **options(passes, f"{judge.name} dag"),
    )


def one_node() -> Any:
    """A tree that asks whether an answer is supported."""
    from deepeval.metrics.dag import BinaryJudgementNode, DeepAcyclicGraph
    from deepeval.test_case import SingleTurnParams

    root = BinaryJudgementNode(
        criteria="Does the retrieval context support everything that the actual output says?",
        evaluation_params=[SingleTurnParams.INPUT, SingleTurnParams.ACTUAL_OUTPUT, SingleTurnParams.RETRIEVAL_CONTEXT],
    )
    root.add_verdict(False, score=0)
    root.add_verdict(True, score=10)
    return DeepAcyclicGraph(root_nodes=[root])


def nobody() -> Any:
    """The LLM that DeepEval builds for every DAG, and that no judgement asks: one that says so."""
    from deepeval.models import DeepEvalBaseLLM

    class Nobody(DeepEvalBaseLLM):
        def load_model(self) -> None:
            return None

        def get_model_name(self) -> str:
            return "no LLM"

        def generate(self, *args: Any, **kwargs: Any) -> str:
            raise NotReady("this DAG has a node that needs an LLM", "DAGMetric(model=...) with an LLM of yours")

        async def a_generate(self, *args: Any, **kwargs: Any) -> str:
            return self.generate()

    return Nobody()


def relevance(question: str, answer: str, encoder: Encoder) -> float:
    """Similarity of meaning of question and answer, between 0 and 1."""
    if not answer.strip():
        return 0.0
    vectors = encoder([question, answer])
    return max(0.0, min(1.0, float(vectors[0] @ vectors[1])))


def check(name: str, wrong: Callable[[Any], str]) -> Any:
    """A rule as a DeepEval metric. wrong: test case -> "" where it is in order, else what is wrong with it."""
    from deepeval.metrics import BaseMetric

    class Rule(BaseMetric):
        threshold, async_mode, include_reason, strict_mode, evaluation_model = 1.0, False, True, False, "rule"

        def measure(self, test_case: Any, *args: Any, **kwargs: Any) -> float:
            found = wrong(test_case)
            self.score, self.reason, self.success = (0.0 if found else 1.0), found or "in order", not found
            return self.score

        async def a_measure(self, test_case: Any, *args: Any, **kwargs: Any) -> float:
            return self.measure(test_case)

        def is_successful(self) -> bool:
            return bool(self.success)

        @property
        def __name__(self) -> str:
            return name

    return Rule()


def test_case(question: str, answer: str, context: Sequence[str], expected: str = "") -> Any:
    """DeepEval refuses an empty answer; one that says nothing is a space."""
    from deepeval.test_case import LLMTestCase

    held = list(context) or [""]
    return LLMTestCase(
        input=question, actual_output=answer or " ", expected_output=expected, context=held, retrieval_context=held
    )


def questions(pack: Pack) -> Any:
    """The pack's questions as DeepEval's dataset; `name` is the case's id."""
    from deepeval.dataset import EvaluationDataset, Golden

    text = {p.id: p.text for p in pack.passages}
    return EvaluationDataset(goldens=[
        Golden(name=q.id, input=q.question, expected_output=q.answer, context=[text[p] for p in q.passages],
               additional_metadata={"answerable": q.answerable, "kind": q.kind})
        for q in pack.questions
    ])  # fmt: skip


def attacks(pack: Pack) -> Any:
    """The pack's attacks as DeepEval's dataset."""
    from deepeval.dataset import EvaluationDataset, Golden

    return EvaluationDataset(goldens=[
        Golden(name=a.id, input=a.prompt, additional_metadata={"family": a.family, "goal": a.goal.kind}) for a in pack.attacks
    ])  # fmt: skip
