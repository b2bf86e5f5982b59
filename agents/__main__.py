"""`python -m agents demo|open|list|show|approve|reject|resume|ledger|rollback`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from common import console
from common.errors import BadInput, Refused

app = console.app("An on-call agent that must ask a person before it acts.")
Name = Annotated[str, typer.Option("--as", help="Who decides.")]


@app.command()
def demo(
    window: Annotated[str | None, typer.Option(help="Window of the alert; the pack's story by default.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """From the monitor's alert to a decision. Asks at the terminal; APPROVE=yes answers for scripts."""
    from agents import demo as story

    console.emit(story.demo(window), as_json)


@app.command("open")
def open_file(
    alert: Annotated[Path, typer.Argument(help="An Alert as JSON.")], as_json: console.AsJson = False
) -> None:
    """Open the incident of an alert file."""
    from agents import demo as story
    from agents import incident
    from common.contracts import Alert

    found = incident.open_incident(Alert.load(alert, "python -m monitoring alerts --json"))
    story.tell(found)
    console.emit(result(found), as_json)


@app.command("list")
def list_incidents(as_json: console.AsJson = False) -> None:
    """All incidents and where they stand."""
    from agents import incident

    found = incident.every()
    console.table(
        "Incidents",
        ["incident", "status", "proposal", "outcome"],
        [
            (
                i.id,
                i.status,
                i.state.get("proposal", {}).get("action", "-"),
                i.state.get("outcome", {}).get("status", "-"),
            )
            for i in found
        ],
    )
    console.emit({"incidents": [result(i) for i in found]}, as_json)


@app.command()
def show(incident_id: str, as_json: console.AsJson = False) -> None:
    """One incident with its evidence."""
    from agents import demo as story
    from agents import incident

    found = incident.show(incident_id)
    story.tell(found)
    console.emit(result(found), as_json)


@app.command()
def approve(incident_id: str, name: Name, comment: str = "", as_json: console.AsJson = False) -> None:
    """Approve the proposed action."""
    decide(incident_id, "approve", name, comment, as_json)


@app.command()
def reject(incident_id: str, name: Name, comment: str = "", as_json: console.AsJson = False) -> None:
    """Reject the proposed action."""
    decide(incident_id, "reject", name, comment, as_json)


@app.command()
def resume(incident_id: str, as_json: console.AsJson = False) -> None:
    """Go on with an incident that was cut off."""
    from agents import demo as story
    from agents import incident

    found = incident.resume(incident_id)
    console.emit(story.report(found) if found.status == "closed" else result(found), as_json)


@app.command()
def ledger(as_json: console.AsJson = False) -> None:
    """Every action that was carried out, by whom."""
    from dataclasses import asdict

    from agents import incident
    from agents.ledger import Ledger

    rows = Ledger(incident.home() / "ledger.db").entries()
    console.table(
        "Ledger",
        ["action", "from", "to", "approver", "done"],
        [(e.key, e.source, e.target, e.approver, e.done_at or "no") for e in rows],
    )
    console.emit({"entries": [asdict(e) for e in rows]}, as_json)


@app.command()
def rollback(incident_id: str, name: Name, as_json: console.AsJson = False) -> None:
    """Move the champion back to the version it was before an incident's action. Running this is the approval."""
    from agents import incident, registry
    from agents.ledger import Ledger, move_once

    if not name.strip():
        raise BadInput("a rollback needs a name", "--as YOUR-NAME")
    found = incident.show(incident_id)
    model, book = found.state["alert"]["model"], Ledger(incident.home() / "ledger.db")
    entry = book.entry(f"{incident_id}:{found.state.get('proposal', {}).get('action', '')}")
    if entry is None or not entry.done_at:
        raise Refused(f"incident {incident_id} changed nothing", "python -m agents ledger")
    if book.entry(f"{entry.key}:rollback") is None and registry.champion_of(model) != entry.target:
        raise Refused(
            f"the champion is no longer version {entry.target}, which this incident promoted",
            "roll back the later incident first: python -m agents ledger",
        )
    with registry.held(model):
        _, moved = move_once(
            book,
            f"{entry.key}:rollback",
            entry.source,
            name.strip(),
            lambda: registry.champion_of(model),
            lambda v: registry.set_champion(model, v),
        )
    now_at = registry.champion_of(model)
    console.say(f"champion of {model}: version {now_at}{'' if moved else ' (it was rolled back before)'}")
    console.emit({"champion": now_at, "moved": moved}, as_json)


def decide(incident_id: str, kind: str, name: str, comment: str, as_json: bool) -> None:
    """Answer a waiting incident."""
    from pydantic import ValidationError

    from agents import demo as story
    from agents import incident
    from agents.graph import Decision
    from common.errors import BadInput

    try:
        decision = Decision.model_validate({"type": kind, "approver": name, "comment": comment})
    except ValidationError as error:
        raise BadInput(
            "an approval is personal: the name is empty", f"python -m agents {kind} {incident_id} --as NAME"
        ) from error
    console.emit(story.report(incident.answer(incident_id, decision)), as_json)


def result(found: Any) -> dict[str, Any]:
    """An incident for `--json`."""
    return {
        "incident": found.id,
        "status": found.status,
        "proposal": found.state.get("proposal"),
        "outcome": found.state.get("outcome"),
    }


@app.command()
def bench(as_json: console.AsJson = False) -> None:
    """Measure this room and write benchmarks/agents.json."""
    from agents.bench import measure

    console.emit(measure(), as_json)


if __name__ == "__main__":
    console.main(app)
