"""The investigation: read-only. Facts about the alert's window, each with the place it was read from."""

from dataclasses import asdict, dataclass

from common.contracts import Alert
from common.tracking import mlflow_client
from domains.pack import Pack
from domains.periods import day_after


@dataclass(frozen=True)
class Fact:
    """A named number and where it comes from."""

    name: str
    value: float
    source: str

    def __str__(self) -> str:
        return f"{self.name} {self.value:.3g}"

    def as_dict(self) -> dict[str, str | float]:
        """For a checkpoint."""
        return asdict(self)


def investigate(alert: Alert, pack: Pack) -> list[Fact]:
    """Facts from the window's MLflow run, the registry and the window's records."""
    return [*from_alert(alert), *from_run(alert), *from_records(alert, pack)]


def from_alert(alert: Alert) -> list[Fact]:
    """What the monitor said."""
    source = f"alert {alert.id}"
    return [
        Fact("calibration gap", alert.current.value, source),
        Fact("calibration gap, lower bound", alert.current.low, source),
        Fact("calibration gap in the reference", alert.reference.value, source),
        Fact("drifted inputs", len(alert.drifted), source),
        Fact("rows", alert.rows, source),
    ]


def from_run(alert: Alert) -> list[Fact]:
    """What MLflow holds about the window: the monitor's run of it. Nothing, where the monitor logs to W&B."""
    from mlflow.exceptions import MlflowException

    try:
        metrics = mlflow_client().get_run(alert.run_id).data.metrics
    except MlflowException:
        return []
    wanted = {"brier": "Brier score", "auc": "AUC", "base_rate": "base rate", "skill": "Brier skill"}
    return [
        Fact(label, metrics[name], f"MLflow run {alert.run_id[:8]}")
        for name, label in wanted.items()
        if name in metrics
    ]


def from_records(alert: Alert, pack: Pack) -> list[Fact]:
    """Signs of broken data in the window: missing values, and inputs that stand still."""
    table = pack.records()
    time = table[pack.config.records.time]
    rows = table[(time >= alert.window_start) & (time < day_after(alert.window_end))]
    inputs = rows[pack.features]
    still = (inputs.nunique() <= 1).mean() if len(rows) else 1.0
    source = pack.config.records.file
    return [
        Fact("share of missing values", float(inputs.isna().to_numpy().mean()) if len(rows) else 1.0, source),
        Fact("share of constant inputs", float(still), source),
    ]
