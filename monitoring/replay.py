"""Watch the champion over its history, window by window: one MLflow run each, an `Alert` where it is due.

A window goes: score with the registry's champion, test its inputs for drift, measure performance on the rows whose labels have
arrived, decide, log, finish. When a killed replay runs again, its windows are judged again and logged once. The replay keeps one champion throughout: it shows what a monitor would have seen had nobody
acted.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import console, stats
from common.contracts import Alert, Estimate
from common.errors import BadInput, NotReady
from common.settings import settings as shared
from common.tracking import mlflow_client, run, tracing
from domains.champion import probabilities
from domains.pack import Pack
from domains.periods import day_after, held_out, windows
from monitoring import drift, report
from monitoring.config import MonitoringSettings
from monitoring.performance import Performance, measure

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Window:
    """What was found in one window."""

    label: str
    start: str
    end: str
    rows: int
    performance: Performance
    drifted: dict[str, float]
    evidently_share: float
    verdict: str


@dataclass(frozen=True)
class Champion:
    """The version in production."""

    name: str
    version: str
    model: Any


def champion(pack: Pack) -> Champion:
    """Load the registry's champion. NotReady where there is none."""
    import mlflow

    client, name = mlflow_client(), pack.config.champion.registry
    try:
        version = client.get_model_version_by_alias(name, "champion").version
    except mlflow.exceptions.MlflowException as error:
        raise NotReady(
            f"the registry has no champion of {name}", "python -m optimization champion --alias champion"
        ) from error
    return Champion(name, str(version), mlflow.onnx.load_model(f"models:/{name}/{version}"))


def decide(drifted: bool, lost: bool) -> str:
    """The verdict: none, watch (drift only), investigate_labels (performance only) or retrain (both)."""
    return {
        (False, False): "none",
        (True, False): "watch",
        (False, True): "investigate_labels",
        (True, True): "retrain",
    }[drifted, lost]


def judge(pack: Pack, label: str, rows: "pd.DataFrame", reference: "pd.DataFrame", s: MonitoringSettings) -> Window:
    """One window against the reference. Both frames hold a column `probability`."""
    r, m = pack.config.records, pack.config.monitor
    columns = drift.compare(reference, rows, r.numerical, r.categorical)
    drifted = {c.column: c.adjusted for c in columns if c.adjusted <= m.false_discovery_rate}
    performance = measure(rows[r.target], rows["probability"], pack.config.champion.block, s.resamples)
    share = report.share(pack, reference, rows)
    times = rows[r.time]
    verdict = decide(bool(drifted), performance.lost(m.tolerance))
    return Window(
        label, str(times.min().date()), str(times.max().date()), len(rows), performance, drifted, share, verdict
    )


def replay(
    pack: Pack, s: MonitoringSettings, name: str | None = None
) -> tuple[str, list[Window], list[Alert], Performance]:
    """Watch the whole history. `name`: key of the replay; the same name goes on, a new one starts afresh.

    Returns (id of the parent run, windows, alerts, performance on the reference).
    """
    found = champion(pack)
    table = pack.records()
    table["probability"] = probabilities(found.model, pack, table)
    c, time = pack.config.champion, pack.config.records.time
    name = name or uuid.uuid4().hex[:8]
    # performance waits until the labels are there
    labelled = table.dropna(subset=[pack.config.records.target])
    reference = labelled[held_out(pack, labelled[time])]
    expected = measure(reference[pack.config.records.target], reference["probability"], c.block, s.resamples)
    parts = list(windows(pack, labelled[labelled[time] >= pack.config.monitor.start]))
    seen: list[Window] = []
    alerts: list[Alert] = []
    if not parts:
        raise BadInput(
            f"no window of {pack.name} has {pack.config.monitor.min_rows} labelled rows",
            "lower monitor.min_rows in pack.toml, or add records",
        )
    with (
        run("monitoring", f"replay {pack.name} {name}", key=f"replay {pack.name} {name}") as parent,
        tracing("monitoring") as mlflow,
    ):
        if not parent.done:
            parent.params({"domain": pack.name, "model": found.name, "version": found.version, "replay": name})
        with console.progress(f"monitoring {pack.name}", len(parts)) as advance:
            for step, (label, rows) in enumerate(parts):
                with mlflow.start_span("window") as span:
                    span.set_inputs({"window": label, "rows": len(rows), "model_version": found.version})
                    window = judge(pack, label, rows, reference, s)
                    span.set_outputs(
                        {"verdict": window.verdict, "gap": window.performance.gap.value, "drifted": window.drifted}
                    )
                page = partial(report.page, pack, reference, rows)
                run_id = log(pack, found, name, parent.id, step, window, page, s)
                seen.append(window)
                if window.verdict == "retrain":
                    alerts.append(alert(pack, found, window, expected, name, run_id))
                advance(1)
        parent.metrics(
            {"alerts": len(alerts), "reference_brier": expected.brier.value, "reference_gap": expected.gap.value}
        )
    return parent.id, seen, alerts, expected


def log(
    pack: Pack,
    found: Champion,
    name: str,
    parent: str,
    step: int,
    window: Window,
    page: Callable[[Path], Path],
    s: MonitoringSettings,
) -> str:
    """One run a window, idempotent by its key; the HTML page only where the window alarms. Returns the run's id."""
    key = f"{pack.name} {found.name} {found.version} {name} {window.label}"
    with run("monitoring", f"{pack.name} {window.label}", key=key, parent=parent) as opened:
        if opened.done:
            opened.tags({"mlflow.parentRunId": parent})  # the parent of a replay that was cut off is replaced
            return opened.id
        opened.metrics(
            window.performance.metrics()
            | {"drifted_columns": len(window.drifted), "evidently_share": window.evidently_share, "rows": window.rows},
            step,
        )
        opened.tags(
            {
                "verdict": window.verdict,
                "window": window.label,
                "domain": pack.name,
                "model": found.name,
                "model_version": found.version,
                "replay": name,
            }
        )
        opened.record(
            "window.json",
            {"start": window.start, "end": window.end, "drifted": window.drifted, "verdict": window.verdict},
        )
        if s.html_for == "all" or (s.html_for == "alarms" and window.verdict == "retrain"):
            opened.artifact(page(shared().reports / f"drift-{pack.name}-{window.label}.html"))
        return opened.id


def alert(pack: Pack, found: Champion, window: Window, expected: Performance, name: str, run_id: str) -> Alert:
    """The contract record of a window that wants retraining, saved where other rooms can read it."""
    raised = Alert(
        id=f"{pack.name}-{window.label}-v{found.version}-{name}", domain=pack.name, model=found.name, model_version=found.version,
        window=window.label, window_start=window.start, window_end=window.end, rows=window.rows, verdict="retrain",
        drifted=window.drifted, metric="calibration gap", reference=rounded(expected.gap), current=rounded(window.performance.gap), run_id=run_id,
    )  # fmt: skip
    raised.save(alert_file(raised))
    return raised


def alert_file(raised: Alert) -> Path:
    """Where an alert lies."""
    return shared().folder("alerts") / f"{raised.id}.json"


def rounded(e: Estimate) -> Estimate:
    """Four decimals are plenty for a person."""
    return Estimate(value=round(e.value, 4), low=round(e.low, 4), high=round(e.high, 4), n=e.n)


def false_alarms(pack: Pack) -> Estimate:
    """Share of the training period's windows in which the drift tests alarm against the reference days (those in the window
    left out). The model knows that period, so each is a false alarm; the field's own regimes make it a strict count.
    The interval is exact. BadInput where the training period holds no whole window."""
    table, c, r = pack.records(), pack.config.champion, pack.config.records
    time = table[r.time]
    early = table[(time >= c.train_from) & (time < day_after(c.train_until))]
    reference = held_out(pack, time)
    hits = n = 0
    for _, rows in windows(pack, early):
        rest = table[reference & ~table.index.isin(rows.index)]
        if not len(rest):
            continue
        columns = drift.compare(rest, rows, r.numerical, r.categorical)
        hits += any(column.adjusted <= pack.config.monitor.false_discovery_rate for column in columns)
        n += 1
    if not n:
        raise BadInput(
            f"no window between {c.train_from} and {c.train_until} has {pack.config.monitor.min_rows} rows",
            "lower monitor.min_rows in pack.toml",
        )
    return stats.proportion(hits, n)
