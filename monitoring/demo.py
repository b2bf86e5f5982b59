"""The demo of the monitoring room: the champion over the pack's history."""

from typing import Any

from common import console, files
from common.contracts import Alert
from common.errors import BadInput
from common.settings import settings as shared
from common.tracking import run
from domains.pack import load
from monitoring import replay
from monitoring.config import settings
from monitoring.timeline import timeline


def demo() -> dict[str, Any]:
    """Replay the history (a killed replay goes on), draw the timeline, print the verdicts and the alerts."""
    pack = load(shared().domain)
    marker = shared().folder("monitoring") / f"{pack.name}.json"
    version = replay.champion(pack).version
    name = unfinished(marker, version)
    files.write_json(marker, {"replay": name, "version": version, "finished": False})
    run_id, windows, alerts, reference = replay.replay(pack, settings(), name)
    noise = replay.false_alarms(pack)
    picture = timeline(pack, windows, reference, shared().reports / "monitoring.png")
    with run("monitoring", f"timeline {pack.name}") as opened:
        opened.artifact(picture)
        opened.metrics({"false_alarm_rate": noise.value, "false_alarm_rate_high": noise.high})
    files.write_json(marker, {"replay": name, "version": version, "finished": True, "alerts": [a.id for a in alerts]})
    rows = [
        (
            w.label,
            str(w.performance.gap),
            f"{w.performance.brier.value:.3f}",
            f"{w.performance.base_rate:.2f}",
            ", ".join(w.drifted) or "-",
            w.verdict,
        )
        for w in windows
        if w.verdict != "none"
    ]
    console.table(
        f"Windows that call for attention ({len(rows)} of {len(windows)})",
        ["window", "calibration gap", "Brier", "base rate", "drifted inputs", "verdict"],
        rows,
    )
    console.say(f"false alarms of the drift tests: {noise} of the {noise.n} windows of the training period")
    console.say(
        f"Evidently's defaults call {min(w.evidently_share for w in windows):.0%} or more of the inputs drifted in every window"
    )
    for raised in alerts:
        console.say(
            f"alert: {raised.id}  (calibration gap {raised.current}, reference {raised.reference})", style="red"
        )
    console.say(f"picture: {picture}")
    return {
        "replay": name,
        "run": run_id,
        "windows": len(windows),
        "alerts": [a.id for a in alerts],
        "picture": str(picture),
        "false_alarm_rate": noise.model_dump(),
    }


def unfinished(marker: Any, version: str) -> str:
    """Name of a replay of this version that was cut off, or a new one."""
    import uuid

    if marker.exists():
        old = files.read_json(marker, f"delete {marker}")
        if not old["finished"] and old["version"] == version:
            console.say(f"going on with replay {old['replay']}")
            return str(old["replay"])
    return uuid.uuid4().hex[:8]


def alerts(domain: str) -> list[Alert]:
    """The alerts of the last finished replay of a pack, by its name or path, oldest window first. BadInput where there is none."""
    marker = shared().folder("monitoring") / f"{load(domain).name}.json"
    mend = "make demo-monitoring"
    last = files.read_json(marker, mend)
    if not last["finished"]:
        raise BadInput("the last replay is unfinished", mend)
    return [Alert.load(shared().folder("alerts") / f"{name}.json", mend) for name in last["alerts"]]
