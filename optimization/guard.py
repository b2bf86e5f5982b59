"""The prompt-injection guard: train, quantize, compare, choose. What PyTorch does is in `optimization.distil`.

Every variant is measured on the same held-out prompts; differences to the float teacher are paired. The threshold is set
where 1 % of benign prompts are flagged, on the validation split and on every other question of the pack, whichever is
higher: the false alarms that its users would see are not those of a benchmark. The pack's other questions, and the test
split, are what is reported.
"""

import hashlib
import json
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common import console, environments, files, models, stats
from common.contracts import Estimate
from common.errors import NotReady
from common.settings import settings as shared
from domains.pack import Pack
from optimization import prompts
from optimization.classify import Guard
from optimization.config import OptimizationSettings

if TYPE_CHECKING:
    import pandas as pd

SHIPPED = "student int8"


@dataclass(frozen=True)
class Variant:
    """One row of the comparison. Times in milliseconds for one prompt on one thread; p-values are Holm-corrected."""

    name: str
    megabytes: float
    latency_p50: float
    latency_p95: float
    accuracy: Estimate
    auc: Estimate
    recall: Estimate
    false_alarms: Estimate
    pack_false_alarms: Estimate
    threshold: float
    difference: Estimate
    p_value: float

    def as_dict(self) -> dict[str, Any]:
        """Plain, for JSON."""
        return {k: v.model_dump() if isinstance(v, Estimate) else v for k, v in self.__dict__.items()}


def folder(rows: int, s: OptimizationSettings) -> Path:
    """Where a guard lies: named by its data, its size and its recipe, so that a change of any of them trains anew."""
    recipe = (Path(__file__).with_name("distil.py")).read_bytes() + (
        Path(__file__).with_name("prompts.py")
    ).read_bytes()
    name = hashlib.sha256(f"{rows} {s.seed} {models.catalogue()['prompts']['wheel']}".encode() + recipe).hexdigest()[
        :12
    ]
    return shared().folder(f"optimization/guard-{name}")


def train(rows: int, s: OptimizationSettings) -> Path:
    """Distil the guard in the torch environment, unless it is there. Returns the folder with its ONNX files."""
    home = folder(rows, s)
    if (home / "training.json").exists():
        console.say("guard: the distilled student is there already")
        return home
    python = environments.python_of("torch")
    if not python.exists():
        raise NotReady("distilling needs PyTorch, and .venv-torch is not built", "make setup-torch")
    chosen = prompts.sample(prompts.load()["train"], rows, s.seed)
    chosen[["text", "label"]].to_parquet(home / "prompts.parquet", index=False)
    console.say(f"guard: distilling on {len(chosen)} prompts")
    command = [
        str(python),
        "-m",
        "optimization.distil",
        str(home / "prompts.parquet"),
        str(models.path("minilm-torch")),
        str(home),
        "--seed",
        str(s.seed),
    ]
    with (
        (home / "training.log").open("wb") as log,
        console.console().status("training teacher and student (about two minutes on two cores)"),
    ):
        done = subprocess.run(command, cwd=environments.ROOT, stdout=log, stderr=log)
    if done.returncode:
        raise NotReady(
            f"distilling failed: {(home / 'training.log').read_text(errors='replace')[-500:]}",
            f"read {home / 'training.log'}, then run the same command again",
        )
    return home


def quantize(source: Path, target: Path) -> Path:
    """Dynamic int8, weights signed and per channel, embeddings too: they are three quarters of the file."""
    import logging

    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    if not target.exists():
        temporary = target.with_suffix(".tmp.onnx")
        logging.getLogger().setLevel(logging.ERROR)  # its advice to pre-process is for models with unknown shapes
        kinds = ["MatMul", "Gemm", "Attention", "Gather"]
        float_type = {"DefaultTensorType": onnx.TensorProto.FLOAT}
        quantize_dynamic(
            source,
            temporary,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=kinds,
            extra_options=float_type,
        )
        temporary.replace(target)
    return target


def package(home: Path, onnx_file: Path, name: str, threshold: float = 0.5) -> Path:
    """A folder that `Guard` reads: model.onnx, tokenizer.json, guard.json."""
    target = home / name.replace(" ", "-")
    with files.new_folder(target) as made:
        (made / "model.onnx").hardlink_to(onnx_file)
        (made / "tokenizer.json").hardlink_to(home / "tokenizer.json")
        training = json.loads((home / "training.json").read_text())
        files.write_json(
            made / "guard.json",
            {"threshold": threshold, "max_tokens": training["max_tokens"], "labels": ["benign", "injection"]},
        )
    return target


def threshold_for(scores: NDArray[np.float64], rate: float) -> float:
    """The lowest threshold at which at most `rate` of these benign scores are flagged (score >= threshold)."""
    ordered = np.sort(scores)[::-1]
    allowed = int(np.floor(rate * len(ordered)))
    return float(np.nextafter(ordered[allowed], np.inf))


def tfidf(train_rows: "pd.DataFrame") -> tuple[Callable[[Sequence[str]], NDArray[np.float64]], float]:
    """The three-second baseline: character n-grams and logistic regression. Returns (scorer, its size in MB)."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, max_features=100_000, sublinear_tf=True)
    model = LogisticRegression(C=3.0, solver="liblinear").fit(
        grams.fit_transform(train_rows["text"]), train_rows["label"]
    )
    megabytes = (model.coef_.nbytes + grams.idf_.nbytes + sum(len(g.encode()) for g in grams.vocabulary_)) / 1e6
    return lambda texts: np.asarray(model.predict_proba(grams.transform(texts))[:, 1]), megabytes


def latency(score: Callable[[Sequence[str]], Any], texts: Sequence[str]) -> tuple[float, float]:
    """(median, 95th percentile) of the milliseconds for one text at a time."""
    for text in texts[:5]:
        score([text])
    times = []
    for text in texts:
        began = time.perf_counter()
        score([text])
        times.append((time.perf_counter() - began) * 1000)
    return float(np.median(times)), float(np.quantile(times, 0.95))


def compare(rows: int, pack: Pack, s: OptimizationSettings) -> tuple[Path, list[Variant]]:
    """Train if needed, then measure TF-IDF, teacher, student and int8 student on the test prompts. The first is the yardstick.

    Returns (the guard's folder, the variants in that order: teacher first).
    """
    from sklearn.metrics import roc_auc_score

    home = train(rows, s)
    data = prompts.load()
    baseline, megabytes = tfidf(prompts.sample(data["train"], rows, s.seed))
    int8 = quantize(home / "student.onnx", home / "student.int8.onnx")
    guards = {
        name: Guard(package(home, file, name))
        for name, file in (("teacher", home / "teacher.onnx"), ("student", home / "student.onnx"), (SHIPPED, int8))
    }
    scorers: dict[str, tuple[Callable[[Sequence[str]], Any], float]] = {
        n: (g.scores, (home / n.replace(" ", "-") / "model.onnx").stat().st_size / 1e6) for n, g in guards.items()
    }
    scorers["TF-IDF + logistic regression"] = (baseline, megabytes)
    test, validation = data["test"], data["validation"]
    benign = validation[validation["label"] == 0]["text"].tolist()
    own = [q.question for q in pack.questions]
    own_set, own_kept = own[::2], own[1::2]
    truth = test["label"].to_numpy()
    right: dict[str, NDArray[np.bool_]] = {}
    found: list[dict[str, Any]] = []
    with console.progress("comparing variants", len(scorers)) as advance:
        for name, (score, size) in scorers.items():
            on_test = score(test["text"].tolist())
            threshold = max(
                threshold_for(score(benign), s.false_alarm_rate), threshold_for(score(own_set), s.false_alarm_rate)
            )
            flagged = on_test >= threshold
            right[name] = (on_test >= 0.5) == truth
            p50, p95 = latency(score, test["text"].tolist()[:150])
            hits, alarms = flagged[truth == 1], flagged[truth == 0]
            found.append({
                "name": name, "megabytes": size, "latency_p50": p50, "latency_p95": p95, "threshold": threshold,
                "accuracy": stats.mean(right[name]), "auc": stats.bootstrap(roc_auc_score, truth, on_test, resamples=300),
                "recall": stats.proportion(int(hits.sum()), len(hits)), "false_alarms": stats.proportion(int(alarms.sum()), len(alarms)),
                "pack_false_alarms": stats.proportion(int((score(own_kept) >= threshold).sum()), len(own_kept)),
            })  # fmt: skip
            advance(1)
    first = right["teacher"]
    p_values = [1.0, *stats.holm([stats.mcnemar(first.tolist(), right[f["name"]].tolist()) for f in found[1:]])]
    differences = [stats.mean(right[f["name"]].astype(float) - first.astype(float)) for f in found]
    return home, [Variant(**f, difference=d, p_value=p) for f, d, p in zip(found, differences, p_values, strict=True)]
