"""The same calls on MLflow and on Weights & Biases, both real."""

import json
from pathlib import Path

import pytest

from common import tracking
from tests.conftest import forget


@pytest.fixture(params=["mlflow", "wandb"])
def tracker(request, home, monkeypatch):
    monkeypatch.setenv("TRACKER", request.param)
    forget()
    return request.param


def test_a_run_is_logged_and_found_again_by_its_key(tracker, home, tmp_path) -> None:
    picture = tmp_path / "plot.png"
    picture.write_bytes(b"png")
    with tracking.run("room", "first", key="k1") as opened:
        assert not opened.done
        opened.params({"rows": 3})
        opened.metrics({"auc": 0.7, "bad": float("nan")}, step=2)
        opened.tags({"verdict": "none"})
        opened.record("decision.json", {"a": 1})
        opened.artifact(picture)
        first = opened.id
    with tracking.run("room", "first", key="k1") as again:
        assert again.done and again.id == first


def test_a_run_that_broke_off_is_not_done(tracker, home) -> None:
    with pytest.raises(RuntimeError), tracking.run("room", "x", key="k2"):
        raise RuntimeError
    with tracking.run("room", "x", key="k2") as again:
        assert not again.done


def test_mlflow_holds_what_was_logged(home, tmp_path) -> None:
    with tracking.run("room", "first") as opened:
        opened.params({"rows": 3})
        opened.metrics({"auc": 0.7, "bad": float("inf")})
        opened.tags({"verdict": "none"})
        opened.record("decision.json", {"a": 1})
    client = tracking.mlflow_client()
    found = client.get_run(opened.id)
    assert (
        found.data.params == {"rows": "3"}
        and found.data.metrics == {"auc": 0.7}
        and found.data.tags["verdict"] == "none"
    )
    assert found.info.status == "FINISHED"
    assert json.loads(Path(client.download_artifacts(opened.id, "decision.json")).read_text()) == {"a": 1}


def test_wandb_writes_offline_only(home, monkeypatch) -> None:
    monkeypatch.setenv("TRACKER", "wandb")
    forget()
    with tracking.run("room", "first") as opened:
        opened.metrics({"auc": 0.7})
    folders = list((home / "wandb").glob("wandb/offline-run-*"))
    assert len(folders) == 1 and list(folders[0].glob("*.wandb"))


def test_children_know_their_parent(home) -> None:
    with tracking.run("room", "parent") as parent, tracking.run("room", "child", parent=parent.id) as child:
        pass
    assert tracking.mlflow_client().get_run(child.id).data.tags["mlflow.parentRunId"] == parent.id


def test_rows_are_a_table(tracker, home) -> None:
    with tracking.run("room", "first") as opened:
        opened.table("cases", [{"case": "a", "passed": True, "p": 0.5}, {"case": "b", "passed": False, "p": None}])
        opened.table("empty", [])
    if tracker == "mlflow":
        found = json.loads(Path(tracking.mlflow_client().download_artifacts(opened.id, "cases.json")).read_text())
        assert found["columns"] == ["case", "passed", "p"] and found["data"][1] == ["b", False, None]
    else:
        assert list((home / "wandb").rglob("cases_*.table.json"))


def test_a_trace_is_assessed_by_a_rule_and_by_a_model(home) -> None:
    with tracking.tracing("room") as mlflow, mlflow.start_span("case") as span:
        pass
    tracking.assess(span.trace_id, "numbers", False, "check", "9 has no source", run_id="r1")
    tracking.assess(span.trace_id, "grounded", 0.25, "local", model=True)
    found = {a.name: a for a in tracking.mlflow_client().get_trace(span.trace_id).info.assessments}
    assert found["numbers"].value is False and found["numbers"].source.source_type == "CODE"
    assert found["numbers"].rationale == "9 has no source" and found["numbers"].metadata["run"] == "r1"
    assert found["grounded"].value == 0.25 and found["grounded"].source.source_type == "LLM_JUDGE"


def test_a_run_within_a_run_is_one_of_its_own_and_a_done_one_takes_nothing_more(home, tracker) -> None:
    """As a replay does: a parent, and a run for every window; then again."""
    for again in (False, True):
        with tracking.run("room", "parent", key="p") as parent:
            assert parent.done == again
            with tracking.run("room", "child", key="c", parent=parent.id) as child:
                assert child.done == again and child.id != parent.id
                child.metrics({"x": 1.0})
                child.tags({"a": "b"})
            parent.metrics({"y": 2.0})
