"""Open an incident, answer it, take it up again after a crash. One process at a time works on one incident."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from agents.config import AgentSettings, settings
from agents.graph import Decision, State, compile_graph, pack_of
from common.contracts import ID, Alert
from common.errors import BadInput, Refused
from common.settings import settings as shared
from common.tracking import tracing

LONGEST = 200  # letters of an id: it becomes a file's name


@dataclass(frozen=True)
class Incident:
    """Where an incident stands: waiting (an answer is wanted), running (cut off, to be resumed) or closed."""

    id: str
    status: str
    state: State
    question: dict[str, Any] | None
    interrupt_id: str | None


def home() -> Path:
    """Folder of checkpoints and ledger."""
    return shared().folder("agents")


@contextmanager
def desk(incident: str, s: AgentSettings | None = None) -> Iterator[tuple[Any, dict[str, Any]]]:
    """(graph, config) for one incident, nobody else at it: LangGraph itself lets two processes resume one thread. BadInput for a
    name that is none of an alert: it becomes a file's."""
    if len(incident) > LONGEST or not re.fullmatch(ID, incident):
        raise BadInput(f"no incident {incident[:80]!r}", "python -m agents list")
    with FileLock(home() / f"{incident}.lock"):
        graph, _ = compile_graph(home(), s or settings())
        # the strict key makes a stale or unknown interrupt id an error instead of a silent no-op
        yield graph, {"configurable": {"thread_id": incident, "__pregel_strict_resume": True}}


def read(graph: Any, config: dict[str, Any]) -> Incident:
    """Where the incident of `config` stands."""
    snapshot, name = graph.get_state(config), config["configurable"]["thread_id"]
    if not snapshot.values:
        raise BadInput(f"no incident {name}", "python -m agents list")
    pending = snapshot.interrupts[0] if snapshot.interrupts else None
    status = "waiting" if pending else "running" if snapshot.next else "closed"
    return Incident(name, status, snapshot.values, pending.value if pending else None, pending.id if pending else None)


def show(incident: str) -> Incident:
    """Where an incident stands. BadInput where there is none."""
    with desk(incident) as (graph, config):
        return read(graph, config)


def every() -> list[Incident]:
    """All incidents, by name. A lock without an incident is somebody's mistyped name."""
    found = []
    for lock in sorted(home().glob("*.lock")):
        with suppress(BadInput):
            found.append(show(lock.stem))
    return found


def work(incident: str, value: Any, graph: Any, config: dict[str, Any]) -> Incident:
    """Run the graph until it asks or ends, as one trace of the incident's session."""
    with tracing("agents") as mlflow, mlflow.start_span("incident", span_type="AGENT") as span:
        mlflow.update_current_trace(metadata={"mlflow.trace.session": incident}, tags={"incident": incident})
        span.set_inputs({"incident": incident, "step": type(value).__name__})
        graph.invoke(value, config, durability="sync", version="v2")
        found = read(graph, config)
        span.set_outputs(
            {"status": found.status, "proposal": found.state.get("proposal"), "outcome": found.state.get("outcome")}
        )
    return found


def open_incident(alert: Alert) -> Incident:
    """Open the incident of an alert, or take up the one that is there. Refused for an alert of another pack, and for another alert
    of the same id."""
    told = alert.model_dump(mode="json")
    with desk(alert.id) as (graph, config):
        snapshot = graph.get_state(config)
        if not snapshot.values:
            pack_of(alert)
            return work(alert.id, {"alert": told}, graph, config)
        if snapshot.values["alert"] != told:
            raise Refused(f"incident {alert.id} was opened with another alert", "give this alert an id of its own")
        if snapshot.next and not snapshot.interrupts:  # cut off in mid-run
            return work(alert.id, None, graph, config)
        return read(graph, config)


def resume(incident: str) -> Incident:
    """Go on with an incident that was cut off; one that waits or is closed stays as it is."""
    with desk(incident) as (graph, config):
        found = read(graph, config)
        return work(incident, None, graph, config) if found.status == "running" else found


def answer(incident: str, decision: Decision) -> Incident:
    """Give a person's decision. Refused where no answer is wanted (any more)."""
    from langgraph.types import Command

    with desk(incident) as (graph, config):
        found = read(graph, config)
        if found.status != "waiting":
            mend = "resume" if found.status == "running" else "show"
            raise Refused(
                f"incident {incident} is {found.status}: no answer is wanted", f"python -m agents {mend} {incident}"
            )
        pack_of(Alert.model_validate(found.state["alert"]))
        return work(incident, Command(resume={found.interrupt_id: decision.model_dump(mode="json")}), graph, config)
