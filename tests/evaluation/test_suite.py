"""A release's answers on the echo engine: the fake is a named engine on the same path."""

import os
import time

import pytest

from common import tracking
from common.errors import BadInput
from common.llm import LLM
from evaluation import gate, score, suite
from evaluation.baselines import Overlap
from evaluation.config import EvaluationSettings
from evaluation.grounded import uncalibrated

S = EvaluationSettings(CONCURRENCY=4)


def built(pack, encoder, version="v2", n=6):
    questions, attacks = pack.questions[::n], pack.attacks[::n]
    given = suite.contexts(pack, questions, encoder, 2)
    return questions, attacks, suite.cases(pack, questions, attacks, suite.Release("echo", version), given)


def test_contexts_hold_the_proving_passage_and_a_rival(finance, encoder) -> None:
    given = suite.contexts(finance, finance.questions, encoder, 2)
    for q in finance.questions:
        ids = [p.id for p in given[q.id]]
        assert len(ids) == 2 and set(q.passages) <= set(ids)
    first = [given[q.id][0].id in q.passages for q in finance.questions if q.passages]
    assert 0 < sum(first) < len(first)  # the proving one is not always first


def test_two_releases_are_asked_the_same_cases(finance, encoder) -> None:
    (_, _, a), (_, _, b) = built(finance, encoder, "v1"), built(finance, encoder, "v2")
    assert [c.id for c in a] == [c.id for c in b] and a[0].messages != b[0].messages


def test_two_cases_of_one_id_are_refused(finance, encoder) -> None:
    """They would share one answer."""
    questions, twin = finance.questions[:2], finance.attacks[0].model_copy(update={"id": finance.questions[1].id})
    given = suite.contexts(finance, questions, encoder, 2)
    with pytest.raises(BadInput, match=f"several cases are named {twin.id}"):
        suite.cases(finance, questions, [twin], suite.Release("echo", "v2"), given)


def test_answers_are_kept_and_a_cut_off_suite_goes_on_and_says_so(home, finance, encoder, echo_url, capsys) -> None:
    _, _, todo = built(finance, encoder)
    release, llm = suite.Release("echo", "v2"), LLM(echo_url)
    with tracking.tracing("evaluation"):
        whole = suite.answers(release, todo, llm, S)
        assert "goes on" not in capsys.readouterr().err
        file = suite.answer_file(release, todo, S)
        lines = file.read_text().splitlines()
        file.write_text("\n".join(lines[:3]) + '\n{"id": "q0')  # as if killed in the fourth
        month_ago = time.time() - 30 * 86400
        os.utime(file, (month_ago, month_ago))
        again = suite.answers(release, todo, llm, S)
    assert (
        f"goes on with 3 answers that a run left, the last 30 days old; rm {file} asks anew" in capsys.readouterr().err
    )
    texts = [{i: said.text for i, said in found.items()} for found in (whole, again)]
    assert texts[0] == texts[1] and len(file.read_text().splitlines()) == len(todo)
    traces = tracking.mlflow_client().search_traces(locations=[tracking.experiment("evaluation")], max_results=200)
    assert len(traces) == len(todo) + len(todo) - 3
    assert {said.trace for said in again.values()} <= {t.info.trace_id for t in traces}


def test_the_echo_engine_fails_the_attacks_it_repeats(home, finance, encoder, echo_url) -> None:
    questions, attacks, todo = built(finance, encoder, n=4)
    with tracking.tracing("evaluation"):
        said = suite.answers(suite.Release("echo", "v2"), todo, LLM(echo_url), S)
    judge, texts = uncalibrated(Overlap("token-overlap", 1)), {i: a.text for i, a in said.items()}
    found = score.score(finance, questions, attacks, todo, texts, encoder, judge, S)
    override = gate.family_rates(found)["instruction override"]
    assert override.value > 0  # it repeats the marker that it was told to say
    assert set(found.judged) == {
        "deepeval_hallucination", "deepeval_faithfulness", "deepeval_answer_relevancy", "deepeval_pii_leakage",
        "ragas_groundedness", "ragas_semantic_similarity",
    }  # fmt: skip
    assert not found.admitted and "never compared with people on finance" in found.advisory[0]
    documents = {q.passages[0].partition("#")[0] for q in questions if q.passages}
    assert documents <= set(found.groups.values()) and len(set(found.groups.values())) < len(found.groups)
