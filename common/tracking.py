"""One small interface to experiment tracking, with MLflow or Weights & Biases behind it, chosen by `TRACKER`.

`run(...)` opens a run, its methods log to it, leaving the block without an error finishes it. With a `key` the run
is idempotent: a finished run of that key is found again (`run.done`), a half-written one is replaced. FINISHED is the
commit mark. Two processes that log one key at once are kept apart by a lock on this machine, not across machines. W&B offline has
neither the lock nor a way to delete: there a run that broke off is resumed under the same id, in a further offline folder.

Traces and the model registry are MLflow's under both trackers (`mlflow_client`): W&B has neither offline.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock

from common.settings import settings


class Run(Protocol):
    """What a room may do with a run."""

    id: str
    done: bool  # a finished run of the same key was found; log nothing more

    def params(self, values: Mapping[str, Any]) -> None:
        """Inputs: settings, versions, sizes."""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Numbers; NaN is left out, because neither tracker can sort by it."""

    def tags(self, values: Mapping[str, str]) -> None:
        """Labels to search by."""

    def artifact(self, path: Path) -> None:
        """A file that a person opens."""

    def record(self, name: str, value: Any) -> None:
        """A JSON document that a program reads."""

    def table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Rows of one form, which the tracker shows as a table."""


@cache
def mlflow_client() -> Any:
    """MLflow's client on the kit's tracking address; the fluent API (traces) is pointed there too."""
    import logging

    import mlflow

    for noisy in ("mlflow", "alembic"):  # migrations and flushes are not news to the person at the terminal
        logging.getLogger(noisy).setLevel(logging.WARNING)

    settings().home.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(settings().tracking_uri)
    mlflow.set_registry_uri(settings().tracking_uri)
    return mlflow.MlflowClient()


def experiment(name: str) -> str:
    """Id of an MLflow experiment, made on first use; its artifacts lie under the kit's home when tracking is local."""
    client = mlflow_client()
    with FileLock(settings().home / "mlflow.lock"):
        found = client.get_experiment_by_name(name)
        if found:
            return str(found.experiment_id)
        local = settings().tracking_uri.startswith("sqlite:")
        folder = (settings().folder("artifacts") / name).as_uri() if local else None
        return str(client.create_experiment(name, artifact_location=folder))


@contextmanager
def tracing(name: str) -> Iterator[Any]:
    """Send the traces of this block to experiment `name`; yields the mlflow module."""
    import mlflow

    mlflow_client()
    mlflow.set_experiment(experiment_id=experiment(name))
    yield mlflow
    mlflow.flush_trace_async_logging()


def assess(
    trace: str, name: str, value: bool | float | str, by: str, why: str = "", model: bool = False, run_id: str = ""
) -> None:
    """Put an assessment on a trace. by: the check or the judge; model: whether that is a model's opinion and no rule."""
    import mlflow
    from mlflow.entities import AssessmentSource

    mlflow_client()
    kind = "LLM_JUDGE" if model else "CODE"
    source = AssessmentSource(source_type=kind, source_id=by)
    about = {"run": run_id} if run_id else None
    mlflow.log_feedback(trace_id=trace, name=name, value=value, source=source, rationale=why or None, metadata=about)


@contextmanager
def run(
    experiment_name: str, name: str, *, key: str | None = None, parent: str | None = None, tracker: str | None = None
) -> Iterator[Run]:
    """Open a run. `key`: makes it idempotent; `parent`: id of the run it belongs to; `tracker`: "mlflow" where the
    run belongs to a registered model, whatever the setting says."""
    opener = _wandb_run if (tracker or settings().tracker) == "wandb" else _mlflow_run
    with opener(experiment_name, name, key, parent) as opened:
        yield opened


class MlflowRun:
    """A run in MLflow."""

    def __init__(self, run_id: str, done: bool):
        self.id, self.done, self._client = run_id, done, mlflow_client()

    def params(self, values: Mapping[str, Any]) -> None:
        """See `Run`."""
        from mlflow.entities import Param

        self._client.log_batch(self.id, params=[Param(k, str(v)) for k, v in values.items()])

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """See `Run`; one batch, because single calls are fifty times slower."""
        import time

        from mlflow.entities import Metric

        at = int(time.time() * 1000)
        self._client.log_batch(self.id, metrics=[Metric(k, v, at, step) for k, v in finite(values).items()])

    def tags(self, values: Mapping[str, str]) -> None:
        """See `Run`."""
        from mlflow.entities import RunTag

        self._client.log_batch(self.id, tags=[RunTag(k, str(v)) for k, v in values.items()])

    def artifact(self, path: Path) -> None:
        """See `Run`."""
        self._client.log_artifact(self.id, str(path))

    def record(self, name: str, value: Any) -> None:
        """See `Run`."""
        self._client.log_dict(self.id, json.loads(json.dumps(value, default=str)), name)

    def table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """See `Run`; a file of the run, which MLflow's page compares across runs."""
        columns = {key: [row[key] for row in rows] for key in (rows[0] if rows else {})}
        self._client.log_table(self.id, columns, f"{name}.json")


@contextmanager
def _mlflow_run(experiment_name: str, name: str, key: str | None, parent: str | None) -> Iterator[Run]:
    client, eid = mlflow_client(), experiment(experiment_name)
    tags = {k: v for k, v in {"mlflow.parentRunId": parent, "fieldkit.key": key}.items() if v}
    lock = hashlib.sha256(f"{experiment_name} {key or os.urandom(8).hex()}".encode()).hexdigest()[:16]
    with FileLock(settings().folder("locks") / lock):
        if key:
            hits = client.search_runs([eid], f"tags.`fieldkit.key` = '{key}'", max_results=10)
            finished = [hit for hit in hits if hit.info.status == "FINISHED"]
            if finished:
                yield MlflowRun(finished[0].info.run_id, done=True)
                return
            for half_written in hits:
                client.delete_run(half_written.info.run_id)
        opened = MlflowRun(client.create_run(eid, run_name=name, tags=tags).info.run_id, done=False)
        try:
            yield opened
        except BaseException:
            client.set_terminated(opened.id, "FAILED")
            raise
        client.set_terminated(opened.id, "FINISHED")


class WandbRun:
    """A run in Weights & Biases; offline, it lies under `.fieldkit/wandb` until `wandb sync`."""

    def __init__(self, handle: Any, done: bool):
        self.id, self.done, self._handle = str(handle.id), done, handle

    def params(self, values: Mapping[str, Any]) -> None:
        """See `Run`."""
        self._handle.config.update({k: str(v) for k, v in values.items()}, allow_val_change=True)

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """See `Run`."""
        self._handle.log(finite(values) | {"step": step})

    def tags(self, values: Mapping[str, str]) -> None:
        """See `Run`; kept in the configuration, because W&B's tags have no values."""
        self._handle.config.update(dict(values), allow_val_change=True)

    def artifact(self, path: Path) -> None:
        """See `Run`."""
        self._handle.save(str(path), base_path=str(path.parent), policy="now")

    def record(self, name: str, value: Any) -> None:
        """See `Run`."""
        if self.done:  # even a disabled run has a folder
            return
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / name
            file.write_text(json.dumps(value, indent=2, default=str))
            copy = Path(self._handle.dir) / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())

    def table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """See `Run`."""
        import wandb

        columns = list(rows[0]) if rows else []
        self._handle.log({name: wandb.Table(columns=columns, data=[[row[c] for c in columns] for row in rows])})


@contextmanager
def _wandb_run(experiment_name: str, name: str, key: str | None, parent: str | None) -> Iterator[Run]:
    import wandb

    folder = settings().folder("wandb")
    run_id = hashlib.sha256(f"{experiment_name} {key or os.urandom(8).hex()}".encode()).hexdigest()[:16]
    marks = settings().folder("wandb/finished")
    done = (marks / run_id).exists()  # nothing more may be logged: a disabled run takes it, and keeps nothing
    quiet = wandb.Settings(x_disable_meta=True, x_disable_stats=True, silent=True)
    handle = wandb.init(  # within a run of the same process, too: without create_new it would be that run again
        project=experiment_name, name=name, id=run_id, group=parent, dir=str(folder), resume="allow", settings=quiet,
        reinit="create_new", mode="disabled" if done else None,
    )  # fmt: skip
    opened = WandbRun(handle, done)
    try:
        yield opened
    except BaseException:
        handle.finish(exit_code=1)
        raise
    handle.finish()
    (marks / run_id).touch()


def finite(values: Mapping[str, float]) -> dict[str, float]:
    """The values that are numbers, as plain floats."""
    return {k: float(v) for k, v in values.items() if v == v and abs(float(v)) != float("inf")}
