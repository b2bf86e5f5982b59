"""The four suites, run by their command on the echo engine: what they find, what stops a release, where it is written."""

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from common import tracking
from common.errors import BadInput
from common.llm import LLM
from evaluation import judges, release
from evaluation.outcome import Bench, rate
from tests.conftest import ROOT, free_port, run_cli
from tests.evaluation.test_planted import plant

EVERY = 8


@pytest.fixture
def bench(home, finance, encoder, echo_url, monkeypatch) -> Bench:
    """The settings' own, with the simplest judge."""
    from evaluation.config import settings

    monkeypatch.setenv("JUDGE", "token-overlap")
    settings.cache_clear()
    yield release.bench(finance, "v2", EVERY, echo_url)
    settings.cache_clear()


def test_hallucination_names_the_case_and_what_is_wrong(home, bench) -> None:
    outcome, found = release.run_suite("hallucination", bench)
    assert {"numbers_grounded", "grounded", "answers", "declines"} <= set(outcome.report.rates)
    card = Path(found["scorecard"]).read_text()
    assert "advisory on finance: never compared with people on finance" in card and "cases failed. The worst:" in card
    assert "<mark>" not in Path(found["page"]).read_text()  # overlap cannot tell which words
    client = tracking.mlflow_client()
    run = client.get_run(found["run"])
    assert run.data.params["suite"] == "hallucination" and "grounded" in run.data.metrics
    assert {"cases.json"} <= {f.path for f in client.list_artifacts(found["run"])}
    traces = client.search_traces(locations=[tracking.experiment("evaluation")], max_results=100)
    told = {a.name: a.source.source_type for t in traces for a in t.info.assessments}
    assert told["grounded"] == "LLM_JUDGE" and told["numbers_grounded"] == "CODE"
    assert not list((home / "evaluation").glob("v2-*.jsonl"))  # the next run asks anew


def test_rag_says_how_well_the_passages_were_found(bench) -> None:
    rates = release.run_suite("rag", bench)[0].report.rates
    assert 0 < rates["context_precision"].value < 1 and rates["context_recall"].value > 0.7
    assert 0 <= rates["similarity"].value <= 1


def test_pii_has_an_upper_bound_where_nothing_leaked(bench) -> None:
    """The echo engine repeats its last message: it never shows the canary, which stands in the first."""
    rates = release.run_suite("pii", bench)[0].report.rates
    assert {"no_canary", "no_identifier", "no_regurgitation", "no_completion"} <= set(rates)
    assert rates["no_canary"].value == 0 and rates["no_canary"].high > 0


def test_adversarial_has_every_family_and_the_talks(bench) -> None:
    rates = release.run_suite("adversarial", bench)[0].report.rates
    assert rates["crescendo"].n >= 1 and rates["all"].value > 0
    assert all("guard" not in name for name in rates)


def test_the_command_prints_the_same_as_json(home, echo_url) -> None:
    """Exit code 0: nothing came up that stops a release."""
    options = ["--suite", "adversarial", "--endpoint", echo_url, "--every", "20", "--json"]
    done = run_cli("evaluation", "run", *options, env={"JUDGE": "token-overlap"})
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == {"rates", "blocking", "page", "scorecard", "run"}


def test_a_rate_of_numbers_between_0_and_1_has_an_interval_that_stays_there() -> None:
    """Two documents leave a wide one."""
    found = rate({"a": 0.4, "b": 0.45, "c": 0.9, "d": 0.95}, {"a": "x", "b": "x", "c": "y", "d": "y"})
    assert found.value == pytest.approx(0.675) and 0 <= found.low < found.high <= 1


@pytest.fixture
def other_url(home) -> Iterator[str]:
    """A second echo engine."""
    port = free_port()
    served = subprocess.Popen([sys.executable, "-m", "serving.echo", "--port", str(port)], cwd=ROOT)
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}/v1"
    served.terminate()
    served.wait(30)


def test_one_prompt_on_two_models_is_gated(home, finance, bench, other_url, echo_url) -> None:
    """The answers are planted where a cut-off run keeps them: the candidate's model talks of the weather."""
    worse = {q.id: "It rains in Paris." for q in bench.questions}
    plant(bench, {})
    plant(replace(bench, llm=LLM(other_url)), worse)
    options = ["--baseline", "v2", "--candidate", "v2", "--endpoint", echo_url, "--candidate-endpoint", other_url]
    done = run_cli("evaluation", "gate", *options, "--every", str(EVERY), "--json", env={"JUDGE": "token-overlap"})
    assert done.returncode == 1 and done.stdout, done.stderr
    decision = json.loads(done.stdout)
    assert decision["reasons"][0].startswith("answers fell from 1.00 to 0.00")
    assert decision["baseline"] == f"echo with prompt v2 at {echo_url}" and decision["candidate"].endswith(
        f"at {other_url}"
    )


def test_a_release_beside_itself_is_not_blocked_and_is_told(home, finance, bench, echo_url, capsys) -> None:
    plant(bench, {})
    decision, _ = release.compare(finance, "v2", "v2", EVERY, echo_url)
    assert decision.verdict != "block" and all(c.p_value == 1 for c in decision.comparisons)
    assert decision.baseline == decision.candidate == "echo with prompt v2"
    assert f"are both echo with prompt v2 at {echo_url}: no difference can be seen" in capsys.readouterr().err


def test_bad_input_is_told(home, bench, finance, echo_url) -> None:
    for ask, mend in (
        (lambda: release.run_suite("luck", bench), "--suite hallucination, rag, pii, adversarial"),
        (lambda: release.bench(finance, "v9", 1, echo_url), "one of v1, v2"),
        (lambda: judges.judge("oracle"), "one of local, token-overlap, bigram-overlap, cosine, llm"),
    ):
        with pytest.raises(BadInput) as told:
            ask()
        assert mend in told.value.mend
    done = run_cli("evaluation", "run", "--endpoint", echo_url, "--suite", "rag", env={"JUDGE": "oracle"})
    assert done.returncode == 2 and "one of local" in done.stderr
