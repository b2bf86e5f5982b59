"""The pack's predictive model: gradient boosting, exported to ONNX, checked for parity, registered in MLflow.

The reference days of the pack are never trained on: monitoring compares against them. The registry's alias
`champion` names the version in production, `challenger` one that waits for a decision; moving an alias is the agents'
job, except for the very first champion.
"""

import hashlib
import inspect
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from common import console, files, stats
from common.contracts import Estimate
from common.errors import BadInput, Refused
from common.tracking import mlflow_client, run
from domains.champion import fit, probabilities, split
from domains.pack import Pack
from domains.periods import day_after, held_out
from optimization import recipe

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Registered:
    """A version in the registry."""

    name: str
    version: str
    trained_until: str
    brier: Estimate
    run_id: str


def to_onnx(pack: Pack, model: Any) -> Any:
    """The pipeline as an ONNX model: one input a column, outputs `label` and `probabilities` (n, 2)."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    inputs = [(c, FloatTensorType([None, 1])) for c in pack.config.records.numerical]
    inputs += [(c, StringTensorType([None, 1])) for c in pack.config.records.categorical]
    return convert_sklearn(model, "champion", inputs, options={"zipmap": False}, target_opset=21)


def train(pack: Pack, until: str) -> Registered:
    """Train on rows up to `until`, export, check, register. The same pack and date give the registered version again."""
    key = f"{pack.name} {fingerprint(pack)} {until}"
    with run("optimization", f"champion {pack.name} until {until}", key=key, tracker="mlflow") as opened:
        if opened.done:
            return registered(pack, until)
        rows, reference = split(pack, until)
        console.say(f"champion: training on {len(rows)} rows up to {until}")
        model = fit(pack, rows)
        onnx_model = to_onnx(pack, model)
        probability = probabilities(onnx_model, pack, reference)
        difference = float(np.abs(probability - model.predict_proba(reference[pack.features])[:, 1]).max())
        check_parity(difference)
        y = reference[pack.config.records.target].to_numpy(float)
        blocks = np.arange(len(y)) // pack.config.champion.block
        brier = stats.bootstrap(lambda t, p: float(np.mean((t - p) ** 2)), y, probability, clusters=blocks)
        opened.params({"domain": pack.name, "until": until, "rows": len(rows), "records": pack.config.records.sha256})
        opened.metrics(
            {
                "reference_brier": brier.value,
                "reference_brier_low": brier.low,
                "reference_brier_high": brier.high,
                "reference_rows": brier.n,
                "onnx_parity": difference,
            }
        )
        version = register(pack, onnx_model, rows, until, brier, opened.id)
    return Registered(pack.config.champion.registry, version, until, brier, opened.id)


def check_parity(difference: float) -> None:
    """Refused where ONNX (float32) and scikit-learn (float64) differ by more than the recipe allows."""
    limit = recipe.load("champion").parity  # type: ignore[union-attr]  # its kind is table
    if not difference <= limit:
        raise Refused(
            f"ONNX differs from scikit-learn by {difference:.1e}, more than {limit:.0e}",
            "look for inputs near a split that float32 cannot tell apart; `parity` in recipes/champion.toml",
        )


def against_scikit(pack: Pack, rows: int = 300) -> dict[str, Any]:
    """The pack's champion in scikit-learn and in ONNX Runtime: parity on the reference, ms for one row on one thread.

    The ratio's interval is over the rows, each timed in both.
    """
    train_rows, reference = split(pack, pack.config.champion.train_until)
    model = fit(pack, train_rows)
    made = to_onnx(pack, model)
    difference = float(
        np.abs(probabilities(made, pack, reference) - model.predict_proba(reference[pack.features])[:, 1]).max()
    )
    check_parity(difference)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    kinds = {i.name: np.float32 if "float" in i.type else object for i in session.get_inputs()}
    times: list[tuple[float, float]] = []
    for i in range(rows):
        row = reference.iloc[[i % len(reference)]]
        feed = {c: row[[c]].to_numpy(kind) for c, kind in kinds.items()}
        began = time.perf_counter()
        model.predict_proba(row[pack.features])
        middle = time.perf_counter()
        session.run(None, feed)
        times.append((middle - began, time.perf_counter() - middle))
    ours, theirs = np.array(times)[20:, 1] * 1000, np.array(times)[20:, 0] * 1000
    faster = stats.bootstrap(lambda a, b: float(np.median(a) / np.median(b)), theirs, ours)
    return {
        "pack": pack.name, "rows": len(reference), "KB": round(len(made.SerializeToString()) / 1e3), "largest difference": f"{difference:.0e}",
        "scikit-learn ms": round(float(np.median(theirs)), 3), "ONNX ms": round(float(np.median(ours)), 4), "times faster": str(faster),
    }  # fmt: skip


def fingerprint(pack: Pack) -> str:
    """What a champion is made of: the records' bytes, their description and the recipe. A change of any is a new version."""
    parts = [
        files.sha256(pack.folder / pack.config.records.file),
        pack.config.records.model_dump_json(),
        pack.config.champion.model_dump_json(),
    ]
    recipe = [inspect.getsource(part) for part in (fit, split, held_out)]
    return hashlib.sha256(" ".join([*parts, *recipe]).encode()).hexdigest()[:16]


def register(pack: Pack, onnx_model: Any, rows: "pd.DataFrame", until: str, brier: Estimate, run_id: str) -> str:
    """Log the ONNX model with its signature and register it as a new version; returns the version's number."""
    import mlflow
    from mlflow.models import infer_signature

    client = mlflow_client()
    name = pack.config.champion.registry
    signature = infer_signature(rows[pack.features].head(20), np.zeros((20, 2), np.float32))
    mlflow.set_experiment(experiment_id=client.get_run(run_id).info.experiment_id)
    with mlflow.start_run(run_id=run_id, log_system_metrics=False):
        info = mlflow.onnx.log_model(
            onnx_model, name="champion", signature=signature, registered_model_name=name,
            pip_requirements=["onnxruntime", "numpy"], await_registration_for=60,
        )  # fmt: skip
    version = str(info.registered_model_version)
    for k, v in {"until": until, "fingerprint": fingerprint(pack), "reference_brier": str(brier)}.items():
        client.set_model_version_tag(name, version, k, v)
    return version


def registered(pack: Pack, until: str) -> Registered:
    """The version that was trained up to `until`. BadInput where there is none."""
    client, name = mlflow_client(), pack.config.champion.registry
    for found in client.search_model_versions(f"name = '{name}'"):
        if found.tags.get("until") == until and found.tags.get("fingerprint") == fingerprint(pack):
            metrics = client.get_run(found.run_id).data.metrics
            low, high, n = (metrics[f"reference_{k}"] for k in ("brier_low", "brier_high", "rows"))
            brier = Estimate(value=metrics["reference_brier"], low=low, high=high, n=int(n))
            return Registered(name, str(found.version), until, brier, found.run_id)
    raise BadInput(f"no version of {name} trained until {until}", f"python -m optimization champion --until {until}")


def holder(name: str, alias: str) -> str | None:
    """The version that holds an alias, or None."""
    import mlflow

    try:
        return str(mlflow_client().get_model_version_by_alias(name, alias).version)
    except mlflow.exceptions.MlflowException:
        return None


def set_alias(name: str, alias: str, version: str) -> None:
    """Point a registry alias at a version."""
    mlflow_client().set_registered_model_alias(name, alias, version)


def compare(pack: Pack, old: str, new: str, start: str, end: str) -> dict[str, Estimate]:
    """Brier scores of two registered versions on the days from `start` to `end`, and their paired difference (new - old).

    BadInput where a version or the days do not exist.
    """
    import mlflow

    table = pack.records().dropna(subset=[pack.config.records.target])  # what has no label yet decides nothing
    days = table[pack.config.records.time]
    rows = table[(days >= start) & (days < day_after(end))]
    if not len(rows):
        raise BadInput(f"no records from {start} to {end}", "choose days that the pack has")
    y = rows[pack.config.records.target].to_numpy(float)
    losses = []
    for version in (old, new):
        try:
            model = mlflow.onnx.load_model(f"models:/{pack.config.champion.registry}/{version}")
        except mlflow.exceptions.MlflowException as error:
            raise BadInput(
                f"no version {version} of {pack.config.champion.registry}", "mlflow ui lists the versions"
            ) from error
        losses.append((y - probabilities(model, pack, rows)) ** 2)
    blocks = np.arange(len(y)) // pack.config.champion.block
    difference = stats.bootstrap(lambda a, b: float(np.mean(b - a)), *losses, clusters=blocks)
    return {"old": stats.mean(losses[0], blocks), "new": stats.mean(losses[1], blocks), "difference": difference}
