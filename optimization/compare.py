"""Every variant against the float32 PyTorch teacher, on the same held-out texts and in one run.

Quality is accuracy, with the paired difference and the share of the teacher's that is kept (bootstrap by group), and an
exact McNemar p-value, Holm-corrected. Cost is measured in a process of its own (`optimization.measure`). What is shipped
is chosen on the validation split; the table reports the test split.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common import console, environments, files, stats
from common.contracts import Estimate
from common.errors import NotReady
from optimization import data, lexical, quantize, work
from optimization.measure import TIMED
from optimization.recipe import Choice, Text

TEACHER, LEXICAL = "teacher, PyTorch eager", "TF-IDF"
THREADS = (1, 2)
FILES = ("model.onnx", "model.xml", "model.bin", "tokenizer.json", "lexical.npz", "vocabulary.json", "head.npz")


@dataclass(frozen=True)
class Candidate:
    """A variant to be measured: how it is called, where it lies, what runs it, and whether it can be shipped."""

    name: str
    folder: Path
    runtime: str = "shipped"

    @property
    def megabytes(self) -> float:
        """Of everything that it reads, tokenizer included."""
        weights = [self.folder.parents[2] / "teacher" / "model.safetensors"] if self.runtime in IN_PYTORCH else []
        own = [self.folder / name for name in FILES if not (weights and name == "model.onnx")]
        found = [f for f in own if f.exists()] + list(self.folder.glob("vectors/*"))
        return sum(f.stat().st_size for f in (*weights, *found)) / 1e6


IN_PYTORCH = ("eager", "compiled")
IN_TORCH_ENVIRONMENT = (*IN_PYTORCH, "openvino", "model2vec")


@dataclass(frozen=True)
class Cost:
    """What a variant takes on `threads` cores. Latencies in ms for one text, throughput in texts/s in batches of 32."""

    latencies: NDArray[np.float64]
    throughput: float
    peak: float
    cold_start: float

    @property
    def p50(self) -> float:
        """Median latency."""
        return float(np.median(self.latencies))

    @property
    def p95(self) -> float:
        """95th percentile of the latency."""
        return float(np.quantile(self.latencies, 0.95))


@dataclass(frozen=True)
class Measured:
    """A variant with what it said (set -> probabilities (n, labels)) and what it cost (threads -> Cost)."""

    candidate: Candidate
    probabilities: dict[str, NDArray[np.float64]]
    cost: dict[int, Cost]

    @property
    def name(self) -> str:
        """The variant's name."""
        return self.candidate.name


@dataclass(frozen=True)
class Row:
    """One line of the table; the interval of `kept` is that of accuracy / teacher's accuracy on the same texts."""

    measured: Measured
    accuracy: Estimate
    kept: Estimate
    difference: Estimate
    p_value: float
    speedup: Estimate
    on_front: bool = False
    extra: dict[str, Any] = field(default_factory=dict)
    estimates: dict[str, Estimate] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The variant's name."""
        return self.measured.name

    @property
    def megabytes(self) -> float:
        """Size."""
        return self.measured.candidate.megabytes

    def quality(self) -> dict[str, Any]:
        """For the table of quality."""
        return {
            "variant": self.name, "MB": round(self.megabytes, 2), "accuracy": str(self.accuracy), "minus teacher": str(self.difference),
            "p (Holm)": round(self.p_value, 3), "kept": str(self.kept), "front": "yes" if self.on_front else "",
        } | self.extra  # fmt: skip

    def costs(self) -> dict[str, Any]:
        """For the table of costs."""
        one, two = self.measured.cost[1], self.measured.cost[THREADS[-1]]
        return {
            "variant": self.name, "p50 ms": round(one.p50, 2), "p95 ms": round(one.p95, 2), "times faster": str(self.speedup),
            "p50 ms, 2 threads": round(two.p50, 2), "texts/s": round(one.throughput), "texts/s, 2 threads": round(two.throughput),
            "peak MB": round(one.peak), "cold start s": round(one.cold_start, 2),
        }  # fmt: skip


def candidates(recipe: Text, folder: Path, forms: Sequence[str]) -> list[Candidate]:
    """The teacher in PyTorch and ONNX, every student in every form, and the lexical model; made where they are missing."""
    models, plan = folder / "models", json.loads((folder / "plan.json").read_text())
    calibration = work.split(folder, "validation")["text"].tolist()
    if not (models / "lexical").exists():
        rows = work.split(folder, "train")
        settings = json.loads((models / "teacher" / "model.json").read_text())
        lexical.write(models / "lexical", rows["text"].tolist(), rows["label"].tolist(), settings)
    made = [Candidate(TEACHER, models / "teacher", "eager"), Candidate("teacher", models / "teacher")]
    with console.progress("quantizing", len(plan["recipe"]["students"]) * len(forms)) as advance:
        for student in recipe.students:
            made.append(Candidate(student.name, models / student.name))
            for form in forms if student.forms is None else student.forms:
                if form == "fused" and student.kind != "layers":
                    continue
                made.append(
                    Candidate(f"{student.name} {form}", quantize.quantize(models / student.name, form, calibration))
                )
                advance(1)
    return [*made, Candidate(LEXICAL, models / "lexical")]


def measure(candidate: Candidate, sets: dict[str, list[str]]) -> Measured:
    """Run a candidate on every set of texts, and time it on the test split's first ones."""
    with TemporaryDirectory() as folder:
        texts, scores = Path(folder) / "texts.json", Path(folder) / "scores.npy"
        everything = [t for part in sets.values() for t in part]
        files.write_json(texts, {"timed": sets["test"][:TIMED], "scored": everything})
        cost = {n: run(candidate, texts, n, scores if n == THREADS[-1] else None) for n in THREADS}
        found = np.load(scores, allow_pickle=False)
    ends = np.cumsum([len(part) for part in sets.values()])[:-1]
    return Measured(candidate, dict(zip(sets, np.split(found, ends), strict=True)), cost)


def run(candidate: Candidate, texts: Path, threads: int, scores: Path | None) -> Cost:
    """One process."""
    python = environments.python_of("torch") if candidate.runtime in IN_TORCH_ENVIRONMENT else Path(sys.executable)
    command = [str(python), "-m", "optimization.measure", candidate.runtime, str(candidate.folder), str(texts)]
    command += ["--threads", str(threads), *(["--score", str(scores)] if scores else [])]
    done = subprocess.run(
        [*command, "--began", str(time.time())], cwd=environments.ROOT, capture_output=True, text=True
    )
    if done.returncode:
        raise NotReady(f"{candidate.name} did not run: {done.stderr.strip()[-500:]}", "make setup-torch")
    found = json.loads(done.stdout.splitlines()[-1])
    return Cost(np.array(found["latencies"]), found["throughput"], found["peak"], found["cold_start"])


def rows(measured: Sequence[Measured], truth: NDArray[np.int64], groups: Sequence[Any]) -> list[Row]:
    """The table. The first of `measured` is the yardstick. truth: (n,) label numbers of the set "test"."""
    clusters = clusters_of(groups)
    right = [m.probabilities["test"].argmax(1) == truth for m in measured]
    teacher = right[0]
    p_values = [1.0, *stats.holm([stats.mcnemar(teacher.tolist(), r.tolist()) for r in right[1:]])]
    made = []
    for m, r, p in zip(measured, right, p_values, strict=True):
        kept = stats.bootstrap(lambda a, b: float(a.mean() / b.mean()), r, teacher, clusters=clusters)
        speedup = stats.bootstrap(
            lambda a, b: float(np.median(a) / np.median(b)), measured[0].cost[1].latencies, m.cost[1].latencies
        )
        difference = stats.mean(r.astype(float) - teacher, clusters)
        made.append(Row(m, stats.mean(r, clusters), kept, difference, p, speedup))
    return pareto(made)


def clusters_of(groups: Sequence[Any]) -> Sequence[Any] | None:
    """The groups, or None where each row is its own: the same intervals in a fraction of the time."""
    return groups if len(set(groups)) < len(groups) else None


def pareto(made: Sequence[Row]) -> list[Row]:
    """Mark the rows that no other beats in size, speed and accuracy together."""
    points = np.array([[r.megabytes, r.measured.cost[1].p50, -r.accuracy.value] for r in made])
    beaten = [bool(((points <= p).all(1) & (points < p).any(1)).any()) for p in points]
    return [Row(**{**r.__dict__, "on_front": not b}) for r, b in zip(made, beaten, strict=True)]


def choose(
    measured: Sequence[Measured],
    truth: NDArray[np.int64],
    groups: Sequence[Any],
    choice: Choice,
    recall: dict[str, Estimate],
) -> tuple[Measured, str]:
    """What is shipped and why, on the validation split: of those that keep enough, the smallest, fastest or most alert.

    recall: share of the flagged class caught at the threshold, for `prefer = "recall"`; of those whose intervals reach
    the best, the smallest is taken. Where none keeps enough, the most accurate one is taken, and the reason says so.
    """
    right = {m.name: m.probabilities["validation"].argmax(1) == truth for m in measured}
    teacher = right[measured[0].name]
    clusters = clusters_of(groups)
    shippable = [m for m in measured if m.candidate.runtime == "shipped" and m is not measured[1]]
    kept = {
        m.name: stats.bootstrap(lambda a, b: float(a.mean() / b.mean()), right[m.name], teacher, clusters=clusters)
        for m in shippable
    }
    enough = [m for m in shippable if kept[m.name].low >= choice.keep]
    if not enough:
        best = max(shippable, key=lambda m: kept[m.name].value)
        return best, (
            f"none keeps {choice.keep:.0%} of the teacher's accuracy on validation at its lower bound; this one keeps most, {kept[best.name]}"
        )
    reason = f"of {len(enough)} that keep {choice.keep:.0%} of the teacher's accuracy (lower bound, validation)"
    if choice.prefer == "recall" and recall:
        most = max((recall[m.name] for m in enough), key=lambda e: e.value)
        alert = [m for m in enough if recall[m.name].high >= most.value]
        best = min(alert, key=lambda m: m.candidate.megabytes)
        return (
            best,
            f"{reason}, it is the smallest of {len(alert)} that cannot be told from the most alert ({recall[best.name]} caught; best {most})",
        )
    if choice.prefer == "fastest":
        best = min(enough, key=lambda m: m.cost[1].p50)
        return best, f"{reason}, it is the fastest ({best.cost[1].p50:.2f} ms)"
    best = min(enough, key=lambda m: m.candidate.megabytes)
    return best, f"{reason}, it is the smallest ({best.candidate.megabytes:.2f} MB)"


def sets_of(folder: Path) -> dict[str, list[str]]:
    """The splits that are scored."""
    return {name: work.split(folder, name)["text"].tolist() for name in data.SPLITS[1:]}
