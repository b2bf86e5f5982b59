"""A suite on the echo engine: the fake is a named engine on the same path."""

from common import tracking
from common.llm import LLM
from evaluation import demo, gate, score, suite
from evaluation.config import EvaluationSettings
from tests.conftest import run_cli

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


def test_answers_are_kept_and_a_cut_off_suite_goes_on(home, finance, encoder, echo_url) -> None:
    _, _, todo = built(finance, encoder)
    release, llm = suite.Release("echo", "v2"), LLM(echo_url)
    with tracking.tracing("evaluation"):
        whole = suite.answers(release, todo, llm, S)
        file = suite.answer_file(release, todo, S)
        lines = file.read_text().splitlines()
        file.write_text("\n".join(lines[:3]) + '\n{"id": "q0')  # as if killed in the fourth
        again = suite.answers(release, todo, llm, S)
    assert whole == again and len(file.read_text().splitlines()) == len(todo)
    traces = tracking.mlflow_client().search_traces(locations=[tracking.experiment("evaluation")], max_results=200)
    assert len(traces) == len(todo) + len(todo) - 3


def test_the_echo_engine_fails_the_attacks_it_repeats(home, finance, encoder, echo_url) -> None:
    questions, attacks, todo = built(finance, encoder, n=4)
    with tracking.tracing("evaluation"):
        answers = suite.answers(suite.Release("echo", "v2"), todo, LLM(echo_url), S)
    found = score.score(finance, questions, attacks, todo, answers, encoder, S)
    override = gate.family_rates(found)["instruction override"]
    assert override.value > 0  # it repeats the marker that it was told to say
    assert set(found.advisory) == {
        "deepeval_hallucination",
        "deepeval_faithfulness",
        "deepeval_answer_relevancy",
        "deepeval_pii_leakage",
        "ragas_grounded",
    }


def test_a_decision_lands_in_mlflow(home, finance, echo_url, monkeypatch) -> None:
    monkeypatch.setenv("LLM_URL", echo_url)
    from tests.conftest import forget

    forget()
    decision, _ = demo.evaluate(finance, "v1", "v2", every=6)
    client = tracking.mlflow_client()
    names = {a.path for a in client.list_artifacts(decision.run_id)}
    assert {"decision.json", "evaluation.png"} <= names
    assert client.get_run(decision.run_id).data.tags["verdict"] == decision.verdict


def test_the_gate_command_exits_with_2_when_it_blocks(home, echo_url, encoder) -> None:
    done = run_cli(
        "evaluation",
        "gate",
        "--baseline",
        "v1",
        "--candidate",
        "v2",
        "--every",
        "5",
        "--json",
        env={"LLM_URL": echo_url},
    )
    import json

    verdict = json.loads(done.stdout)["verdict"]
    assert done.returncode == (2 if verdict == "block" else 0), done.stderr


def test_a_refusal_or_a_wrong_number_is_no_answer() -> None:
    assert score.answers_it("About five times as much.", "A missed move costs about five times as much.")
    assert not score.answers_it("6.0 million dollars.", "The limit is 9 million dollars.")
    assert not score.answers_it("Every hour.", "The documents do not say.")
