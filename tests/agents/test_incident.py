"""The graph end to end on the real registry: approve, reject, kill -9, wrong answers. No LLM is up, and none is needed."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from pydantic import ValidationError

from agents import incident, registry
from agents.config import settings
from agents.graph import Decision, State, carry_out
from agents.ledger import Ledger
from common import tracking
from common.contracts import Alert, now
from common.errors import BadInput, Refused
from optimization import champion
from tests.common.test_contracts import ALERT
from tests.conftest import ROOT, forget, run_cli

ESTIMATE = {"value": 0.121, "low": 0.065, "high": 0.181, "n": 253}


@pytest.fixture
def alert(home, finance, monkeypatch) -> Alert:
    """An alert on version 1 of a real champion, in a fresh home."""
    monkeypatch.setenv("LLM_URL", "http://127.0.0.1:9/v1")
    forget()
    made = champion.train(finance, "1986-12-31")
    champion.set_alias(made.name, "champion", made.version)
    with tracking.run("monitoring", "window") as window:
        window.metrics({"brier": 0.237, "auc": 0.67, "base_rate": 0.53, "skill": 0.05})
    return Alert.model_validate(
        ALERT
        | {
            "id": "inc-2008",
            "model": made.name,
            "model_version": made.version,
            "current": ESTIMATE,
            "run_id": window.id,
        }
    )


def ledger() -> Ledger:
    return Ledger(incident.home() / "ledger.db")


def test_it_asks_before_it_acts_and_acts_once_when_approved(alert) -> None:
    found = incident.open_incident(alert)
    assert found.status == "waiting" and found.question["action"] == "retrain_and_promote"
    assert found.question["approver"] == "model owner" and registry.champion_of(alert.model) == "1"
    assert incident.open_incident(alert).interrupt_id == found.interrupt_id  # opening again changes nothing

    closed = incident.answer(alert.id, Decision(type="approve", approver="ann"))
    outcome = closed.state["outcome"]
    assert closed.status == "closed" and outcome["status"] == "promoted" and outcome["moved"]
    assert registry.champion_of(alert.model) == outcome["challenger"] == "2"
    assert outcome["incident_window"]["difference"]["value"] <= 0
    assert [e.approver for e in ledger().entries()] == ["ann"]

    with pytest.raises(Refused, match="no answer is wanted"):
        incident.answer(alert.id, Decision(type="approve", approver="bob"))
    assert len(ledger().entries()) == 1

    traces = tracking.mlflow_client().search_traces(locations=[tracking.experiment("agents")])
    assert {t.info.tags["incident"] for t in traces} == {alert.id}
    names = {s.name for t in traces for s in t.data.spans}
    assert {"incident", "investigate", "propose", "act", "report"} <= names

    done = run_cli("agents", "rollback", alert.id, "--as", "ann", "--json")
    assert json.loads(done.stdout) == {"champion": "1", "moved": True} and registry.champion_of(alert.model) == "1"


def test_a_rejection_changes_nothing(alert) -> None:
    incident.open_incident(alert)
    closed = incident.answer(alert.id, Decision(type="reject", approver="ann", comment="wait for the labels"))
    assert (
        closed.state["outcome"]["status"] == "rejected" and closed.state["decision"]["comment"] == "wait for the labels"
    )
    assert registry.champion_of(alert.model) == "1" and ledger().entries() == []


def test_an_approval_that_is_a_day_old_is_void(alert) -> None:
    incident.open_incident(alert)
    stale = Decision(type="approve", approver="ann", at=now() - timedelta(hours=25))
    again = incident.answer(alert.id, stale)
    assert (
        again.status == "waiting"
        and again.state["outcome"]["status"] == "expired"
        and registry.champion_of(alert.model) == "1"
    )
    closed = incident.answer(alert.id, Decision(type="reject", approver="ann"))
    assert closed.status == "closed" and closed.state["outcome"]["status"] == "rejected"


def test_an_alert_about_a_former_champion_moves_nothing(alert, finance) -> None:
    incident.open_incident(alert)
    newer = champion.train(finance, "1999-12-31")
    champion.set_alias(newer.name, "champion", newer.version)
    closed = incident.answer(alert.id, Decision(type="approve", approver="ann"))
    assert closed.state["outcome"]["status"] == "stale" and registry.champion_of(alert.model) == newer.version


def test_an_alert_of_another_pack_is_refused_and_leaves_nothing(alert) -> None:
    with pytest.raises(Refused, match="DOMAIN is finance"):
        incident.open_incident(alert.model_copy(update={"id": "inc-other", "domain": "climate"}))
    with pytest.raises(Refused, match="about the model healthcare-positive"):
        incident.open_incident(alert.model_copy(update={"id": "inc-other", "model": "healthcare-positive"}))
    assert incident.open_incident(alert.model_copy(update={"id": "inc-other"})).status == "waiting"
    with pytest.raises(Refused, match="opened with another alert"):
        incident.open_incident(alert.model_copy(update={"id": "inc-other", "window": "2009"}))


def test_an_approval_under_another_domain_is_refused_and_asked_for_still(alert, monkeypatch) -> None:
    """A version number of finance would fit climate's registry, too."""
    incident.open_incident(alert)
    monkeypatch.setenv("DOMAIN", "climate")
    forget()
    with pytest.raises(Refused, match="DOMAIN is climate"):
        incident.answer(alert.id, Decision(type="approve", approver="ann"))
    monkeypatch.setenv("DOMAIN", "finance")
    forget()
    assert incident.show(alert.id).status == "waiting" and registry.champion_of(alert.model) == "1"


@pytest.mark.parametrize("name", ["../../evil/x", "a" * 300, "", "/tmp/x"])
def test_a_name_that_is_no_incident_s_touches_no_file(home, name) -> None:
    with pytest.raises(BadInput, match="no incident"):
        incident.show(name)
    assert not list(home.rglob("*.lock"))


def approved(alert: Alert, action: str = "retrain_and_promote", hours: float = 0) -> State:
    """What the graph holds when it acts."""
    decision = Decision(type="approve", approver="ann", at=now() - timedelta(hours=hours))
    proposal = {"action": action, "until": "2006-12-31", "risk": "medium"}
    return {"alert": alert.model_dump(mode="json"), "proposal": proposal, "decision": decision.model_dump(mode="json")}


def test_an_approved_action_that_is_not_to_move_the_champion_does_not(alert) -> None:
    found = carry_out(approved(alert, "escalate"), ledger(), settings())
    assert found == {"status": "escalate", "moved": False}
    assert registry.champion_of(alert.model) == "1" and ledger().entries() == []


@pytest.mark.parametrize("change", [{"approver": "  "}, {"at": "2026-01-01T00:00:00"}])
def test_an_approval_has_a_name_and_a_time_zone(change) -> None:
    with pytest.raises(ValidationError):
        Decision.model_validate({"type": "approve", "approver": "ann"} | change)


@pytest.mark.slow
def test_what_was_begun_is_finished_however_late(alert) -> None:
    """Killed between the move and its mark, and taken up a day later: it is not asked for again, and not decided again."""
    target = registry.retrain("finance", "2006-12-31")
    ledger().intend(f"{alert.id}:retrain_and_promote", "1", target, "ann")
    registry.set_champion(alert.model, target)
    found = carry_out(approved(alert, hours=25), ledger(), settings())
    assert found["status"] == "promoted" and not found["moved"] and found["challenger"] == target
    assert ledger().entries()[0].done_at


@pytest.mark.slow
def test_a_champion_that_moved_during_the_retraining_is_not_overwritten(alert, monkeypatch, finance) -> None:
    """Two incidents about one model: the second was compared with a version that is no longer in use."""
    other, compare = champion.train(finance, "1999-12-31"), registry.compare

    def meanwhile(*arguments):
        found = compare(*arguments)
        registry.set_champion(alert.model, other.version)
        return found

    monkeypatch.setattr(registry, "compare", meanwhile)
    found = carry_out(approved(alert), ledger(), settings())
    assert (
        found["status"] == "stale" and registry.champion_of(alert.model) == other.version and ledger().entries() == []
    )


def test_broken_data_are_escalated_without_asking(alert) -> None:
    calm = alert.model_copy(update={"id": "inc-watch", "verdict": "watch"})
    found = incident.open_incident(calm)
    assert found.status == "closed" and found.state["outcome"] == {"status": "collect_evidence", "moved": False}


def test_wrong_answers_leave_it_waiting(alert) -> None:
    from langgraph.types import Command

    found = incident.open_incident(alert)
    with incident.desk(alert.id) as (graph, config), pytest.raises(Exception):  # noqa: B017  (pydantic's, through LangGraph)
        graph.invoke(
            Command(resume={found.interrupt_id: {"type": "maybe", "approver": "ann"}}),
            config,
            durability="sync",
            version="v2",
        )
    with incident.desk(alert.id) as (graph, config), pytest.raises(Exception):  # noqa: B017
        graph.invoke(
            Command(resume={"f" * 32: {"type": "approve", "approver": "ann"}}), config, durability="sync", version="v2"
        )
    assert incident.show(alert.id).status == "waiting" and registry.champion_of(alert.model) == "1"
    with pytest.raises(BadInput):
        incident.show("no-such-incident")
    assert [i.id for i in incident.every()] == [alert.id]


KILL = """
import os, signal, sys
from agents import incident, ledger, registry
from agents.graph import Decision
real_move, real_finish = registry.set_champion, ledger.Ledger.finish
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
point = sys.argv[1]
if point == "before the intent": ledger.Ledger.intend = die
if point == "before the move": registry.set_champion = die
if point == "after the move": registry.set_champion = lambda *a: (real_move(*a), die())
if point == "after the ledger": ledger.Ledger.finish = lambda *a: (real_finish(*a), die())
if incident.show(sys.argv[2]).status == "waiting": incident.answer(sys.argv[2], Decision(type="approve", approver="ann"))
else: incident.resume(sys.argv[2])
"""
POINTS = ("before the intent", "before the move", "after the move", "after the ledger")


@pytest.mark.slow
def test_kill_9_loses_no_approval_and_acts_once(alert) -> None:
    """Killed four times over one approval, each time a little further on: what was done stays done, and is not done again."""
    incident.open_incident(alert)
    for point in POINTS:
        done = subprocess.run(
            [sys.executable, "-c", KILL, point, alert.id], cwd=ROOT, env=os.environ, capture_output=True, text=True
        )
        assert done.returncode == -signal.SIGKILL, f"{point}: {done.stderr}"
        cut = incident.show(alert.id)
        assert cut.status == "running", point
        assert cut.state["decision"]["approver"] == "ann", point  # the approval is not asked for again
        assert registry.champion_of(alert.model) == ("2" if point in POINTS[2:] else "1"), point
    closed = incident.resume(alert.id)
    assert closed.status == "closed" and closed.state["outcome"]["status"] == "promoted"
    (entry,) = ledger().entries()
    assert entry.done_at and registry.champion_of(alert.model) == entry.target == "2"
    versions = tracking.mlflow_client().search_model_versions(f"name = '{alert.model}'")
    assert len(versions) == 2  # one challenger, not one for every death
