"""What was made, in MLflow: a run for the teacher, one for each student, one for the bundle, and a registered model.

Each run names the one before it (`parent`), so that a bundle can be followed back to its data. The registered version is
the shipped ONNX model with its signature; its tags name the bundle's sha256.
"""

from pathlib import Path
from typing import Any

import numpy as np

from common import files
from common.tracking import mlflow_client, run
from optimization import work
from optimization.recipe import digest
from optimization.ship import Comparison

EXPERIMENT = "optimization"


def teacher_and_students(c: Comparison) -> tuple[str, dict[str, str]]:
    """Log them once: (id of the teacher's run, student -> id of its run). The same folder gives the same runs."""
    home, recipe = c.folder.parent, c.recipe
    plan = files.read_json(c.folder / "plan.json", "python -m optimization train")
    with run(EXPERIMENT, f"{recipe.name} teacher", key=f"teacher {home.name}") as opened:
        if not opened.done:
            training = files.read_json(home / "teacher" / "training.json", "python -m optimization train")
            opened.params(
                {
                    **recipe.teacher.model_dump(),
                    **{f"rows_{k}": n for k, n in plan["rows"].items()},
                    "seed": plan["seed"],
                }
            )
            opened.tags(
                {
                    "data_sha256": files.sha256(home / "train.parquet"),
                    "weights_sha256": files.sha256(home / "teacher" / "model.safetensors"),
                }
            )
            opened.metrics({"seconds": training["seconds"]})
        teacher = opened.id
    ids = {}
    for student in recipe.students:
        with run(
            EXPERIMENT,
            f"{recipe.name} {student.name}",
            key=f"student {c.folder.name} {home.name} {student.name}",
            parent=teacher,
        ) as opened:
            if not opened.done:
                training = files.read_json(c.folder / student.name / "training.json", "python -m optimization distil")
                opened.params({**student.model_dump(), **recipe.distil.model_dump()})
                opened.tags(
                    {
                        "teacher_run": teacher,
                        "weights_sha256": files.sha256(c.folder / student.name / "model.safetensors"),
                    }
                )
                opened.metrics({"seconds": training["seconds"]})
            ids[student.name] = opened.id
    return teacher, ids


def register(c: Comparison, bundle: Path, picture: Path, version: str) -> dict[str, str]:
    """Log the comparison and its bundle, and register the shipped model. Returns the run's id and the version's name.

    A model that is not ONNX (TF-IDF) is logged with its files and not registered as an ONNX model.
    """
    teacher, students = teacher_and_students(c)
    parent = students.get(c.chosen.name.split()[0], teacher)
    sha256 = files.sha256(bundle)
    with run(EXPERIMENT, f"{c.recipe.name} {version}", parent=parent) as opened:
        opened.params(
            {
                "recipe": digest(c.recipe.model_dump_json()),
                "chosen": c.chosen.name,
                "reason": c.reason[:500],
                "bundle": bundle.name,
            }
        )
        opened.tags({"bundle_sha256": sha256, "teacher_run": teacher, "student_run": parent})
        for r in c.rows:
            name = "".join(ch if ch.isalnum() else "_" for ch in r.name)
            opened.metrics(
                {f"{name}_accuracy": r.accuracy.value, f"{name}_ms": r.measured.cost[1].p50, f"{name}_mb": r.megabytes}
            )
        opened.metrics({f"shipped_{k}": e.value for k, e in c.quality.items()})
        opened.record("comparison.json", c.as_dict())
        opened.artifact(picture)
        opened.artifact(c.folder / "shipped" / "model.json")
        registered = onnx_version(
            c,
            opened.id,
            {"bundle_sha256": sha256, "bundle_version": version, "teacher_run": teacher, "student_run": parent},
        )
    return {"run": opened.id, "registered": registered}


def onnx_version(c: Comparison, run_id: str, tags: dict[str, str]) -> str:
    """Name and version of the shipped model in the registry; empty where it is not ONNX, or runs are not MLflow's."""
    from common.settings import settings

    file = c.folder / "shipped" / "model.onnx"
    if not file.exists() or settings().tracker != "mlflow":
        return ""
    import mlflow
    import onnx
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Schema, TensorSpec

    client = mlflow_client()
    labels = len(files.read_json(c.folder / "shipped" / "model.json", "python -m optimization bundle")["labels"])
    texts = [TensorSpec(np.dtype(np.int64), (-1, -1), name) for name in ("ids", "mask")]  # any batch, any length
    logits = TensorSpec(np.dtype(np.float32), (-1, labels), "logits")
    signature = ModelSignature(inputs=Schema(texts), outputs=Schema([logits]))
    mlflow.set_experiment(experiment_id=client.get_run(run_id).info.experiment_id)
    with mlflow.start_run(run_id=run_id, log_system_metrics=False):
        info: Any = mlflow.onnx.log_model(
            onnx.load(file), name="shipped", signature=signature, registered_model_name=f"fieldkit-{c.recipe.name}",
            pip_requirements=["onnxruntime", "numpy", "tokenizers"], await_registration_for=60,
        )  # fmt: skip
    version = str(info.registered_model_version)
    for key, value in {**tags, "model_sha256": work.fingerprint(c.folder / "shipped")}.items():
        client.set_model_version_tag(f"fieldkit-{c.recipe.name}", version, key, value)
    return f"fieldkit-{c.recipe.name}/{version}"
