"""The four suites, run by their command on the echo engine: what they find, what stops a release, where it is written."""

import json
from pathlib import Path

import pytest

from common import tracking
from common.errors import BadInput
from evaluation import judges, release
from evaluation.outcome import Bench
from tests.conftest import run_cli

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
