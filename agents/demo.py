"""The demo of the agents room: the monitor's alert becomes an incident, a person decides, the registry changes."""

import getpass
import json
import subprocess
import sys
from typing import Any

from agents import incident as desk
from agents.config import AgentSettings, settings
from agents.graph import Decision
from agents.plot import before_after
from common import console
from common.contracts import Alert
from common.errors import NotReady
from common.settings import ROOT
from common.settings import settings as shared
from common.tracking import run
from domains.pack import load


def pick_alert(domain: str, window: str | None) -> Alert | None:
    """The monitor's alert for a window: the one asked for, else the pack's story, else the latest. None where the monitor
    raised none and none was asked for; NotReady where it has not run or raised others."""
    done = subprocess.run(
        [sys.executable, "-m", "monitoring", "alerts", "--json"], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        raise NotReady("the monitor has no finished replay of this pack", "make demo-monitoring")
    found = [Alert.model_validate(a) for a in json.loads(done.stdout)["alerts"]]
    if not found and window is None:
        return None
    wanted = window or load(domain).config.monitor.story or found[-1].window
    for alert in found:
        if alert.window == wanted:
            return alert
    known = ", ".join(a.window for a in found) or "none"
    raise NotReady(
        f"no alert for window {wanted} (alerts: {known})", "make demo-monitoring, or --window with one of those listed"
    )


def tell(found: desk.Incident) -> None:
    """Print an incident the way the person who decides wants to read it."""
    made, facts = found.state.get("proposal"), found.state.get("facts", [])
    console.say(f"\nincident {found.id}: {found.status}", style="bold")
    if made:
        console.table(
            "Evidence", ["fact", "value", "read from"], [(f["name"], f"{f['value']:.4g}", f["source"]) for f in facts]
        )
        console.say(
            f"proposal: {made['action']} (risk {made['risk']}; approver: {made['approver'] or 'none needed'}; train until {made['until']})"
        )
        console.say(f"reason: {made['reason']}")
        console.say(f"rationale, by {made['rationale_by']}: {made['rationale']}")


def ask_person(found: desk.Incident, s: AgentSettings) -> Decision | None:
    """The decision: from APPROVE, or from the person at the terminal; None where nobody is there."""
    name = s.approver or getpass.getuser()
    if s.approve:
        return Decision(
            type="approve" if s.approve == "yes" else "reject", approver=name, comment="APPROVE in the environment"
        )
    if not sys.stdin.isatty():
        return None
    from rich.prompt import Prompt

    question = found.question or {}
    kind = Prompt.ask(
        f"{question.get('action')}: your decision as {question.get('approver')}",
        choices=["approve", "reject"],
        console=console.console(),
    )
    return Decision.model_validate(
        {"type": kind, "approver": Prompt.ask("your name", default=name, console=console.console())}
    )


def demo(window: str | None) -> dict[str, Any]:
    """Open the incident, show it, ask, act, report. An incident that was cut off is taken up where it was."""
    alert = pick_alert(shared().domain, window)
    if alert is None:
        console.say("the monitor raised no alert: there is nothing to decide")
        return {"incident": None, "status": "no alert"}
    found = desk.open_incident(alert)
    tell(found)
    if found.status == "waiting":
        decision = ask_person(found, settings())
        if decision is None:
            console.say(
                f"nobody is at the terminal; it waits: python -m agents approve {found.id} --as NAME   (or APPROVE=yes)"
            )
            return {"incident": found.id, "status": found.status}
        console.say(f"{decision.approver}: {decision.type}")
        found = desk.answer(found.id, decision)
    return report(found)


def report(found: desk.Incident) -> dict[str, Any]:
    """Print, draw and log how an incident ended."""
    outcome = found.state.get("outcome", {})
    console.say(f"outcome: {outcome.get('status')}{', alias moved' if outcome.get('moved') else ''}")
    picture = before_after(found.id, outcome, shared().reports / "agents.png")
    with run("agents", found.id, key=found.id) as opened:
        if not opened.done:
            opened.tags({"incident": found.id, "outcome": str(outcome.get("status"))})
            opened.record("incident.json", dict(found.state))
            if "incident_window" in outcome:
                opened.metrics({"brier_difference": outcome["incident_window"]["difference"]["value"]})
            if picture:
                opened.artifact(picture)
    if "after" in outcome:
        console.say(f"the registry's champion is now version {outcome['after']['champion']}")
    if picture:
        console.say(f"picture: {picture}")
    return {"incident": found.id, "status": found.status, "outcome": outcome, "picture": str(picture)}
