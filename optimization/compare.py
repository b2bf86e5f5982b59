"""Every variant against the float32 PyTorch teacher, on the same held-out texts and in one run.

Quality is accuracy, with the paired difference and the share of the teacher's that is kept (bootstrap by group), and an
exact McNemar p-value, Holm-corrected. Cost is measured in a process of its own (`optimization.measure`). What is shipped
is chosen on the validation split; the table reports the test split.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
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
FILES = ("model.onnx", "model.xml", "model.bin", "tokenizer.json", "lexical.npz", "vocabulary.json", "head.npz")


@dataclass(frozen=True)
class Candidate:
    """A variant to be measured: how it is called, where it lies, and what runs it."""

    name: str
    folder: Path
    runtime: str = "shipped"
    alone: bool = True  # scored one text at a time; floats answer the same in a batch, which is faster

    @property
    def shippable(self) -> bool:
        """Whether it may be chosen: a bundle can carry it, and it is no form of the teacher, which is the yardstick."""
        return self.runtime == "shipped" and self.name.split()[0] != "teacher"

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
    """What a variant takes on `threads` cores. Latencies (rounds, texts) in ms for one text; throughput in texts/s in
    batches of 32; memory in MB; cold starts in s. A round is a process of its own."""

    latencies: NDArray[np.float64]
    throughput: float
    peak: float
    cold_starts: NDArray[np.float64]

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
            "p (Holm)": round(self.p_value, 3), "kept": str(self.kept),
        } | self.extra  # fmt: skip

    def costs(self) -> dict[str, Any]:
        """For the table of costs."""
        one, two = self.measured.cost[1], self.measured.cost[2]
        return {
            "variant": self.name, "p50 ms": round(one.p50, 2), "p95 ms": round(one.p95, 2), "times faster": str(self.speedup),
            "p50 ms, 2 threads": round(two.p50, 2), "texts/s": round(one.throughput), "texts/s, 2 threads": round(two.throughput),
            "peak MB": round(one.peak), "front": "yes" if self.on_front else "", "cold start s": round(float(np.median(one.cold_starts)), 2),
        }  # fmt: skip


def candidates(recipe: Text, folder: Path, forms: Sequence[str]) -> list[Candidate]:
    """The teacher in PyTorch and ONNX, every student in every form, and the lexical model; made where they are missing."""
    models = work.models_of(folder)
    calibration = calibration_of(folder)
    if not (models / "lexical").exists():
        rows = work.split(folder, "train")
        settings = json.loads((models / "teacher" / "model.json").read_text())
        settings["normalise"] = recipe.teacher.normalise
        lexical.write(models / "lexical", rows["text"].tolist(), rows["label"].tolist(), settings)
    made = [
        Candidate(TEACHER, models / "teacher", "eager", alone=False),
        Candidate("teacher", models / "teacher", alone=False),
    ]
    with console.progress("quantizing", len(recipe.students) * len(forms)) as advance:
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


def calibration_of(folder: Path) -> list[str]:
    """Validation texts in a random order, for forms whose ranges are measured: the split is sorted by source."""
    return list(work.split(folder, "validation")["text"].sample(frac=1, random_state=0))


def measure(found: Sequence[Candidate], sets: dict[str, list[str]], rounds: int) -> list[Measured]:
    """Run every candidate on every set of texts, and time it on a sample of the test split.

    One thread is timed in `rounds` rounds over all candidates, so that a slow minute of the machine falls on all of them.
    """
    sample = np.random.default_rng(0).permutation(len(sets["test"]))[:TIMED]  # the split is sorted by source
    everything = [t for part in sets.values() for t in part]
    ends = np.cumsum([len(part) for part in sets.values()])[:-1]
    made, seen = [], []
    with TemporaryDirectory() as folder, console.progress("measuring", len(found) * (rounds + 1)) as advance:
        texts, nothing, scores = (Path(folder) / name for name in ("texts.json", "nothing.json", "scores.npy"))
        files.write_json(texts, {"timed": [sets["test"][i] for i in sample], "scored": everything})
        files.write_json(nothing, {"timed": []})
        for candidate in found:
            try:
                two = run(candidate, texts, 2, scores)
            except NotReady as error:
                if candidate.runtime == "shipped" or candidate.name == TEACHER:
                    raise
                console.say(f"left out: {error.message}")  # a baseline that this machine cannot run
                continue
            made.append((candidate, np.split(np.load(scores, allow_pickle=False), ends), two))
            advance(1)
        for _ in range(rounds):
            for candidate, *_ in made:
                cold = [run(candidate, nothing, 1)["cold_start"]] if candidate.runtime == "shipped" else []
                seen.append((candidate.name, run(candidate, texts, 1), cold))
                advance(1)
    return [
        Measured(
            c,
            dict(zip(sets, p, strict=True)),
            {1: cost([(r, cold) for n, r, cold in seen if n == c.name]), 2: cost([(two, [])])},
        )
        for c, p, two in made
    ]


def cost(found: list[tuple[dict[str, Any], list[float]]]) -> Cost:
    """One or more rounds as a Cost."""
    runs = [r for r, _ in found]
    cold = [x for r, more in found for x in (r["cold_start"], *more)]
    return Cost(
        np.array([r["latencies"] for r in runs]),
        float(np.median([r["throughput"] for r in runs])),
        float(np.median([r["peak"] for r in runs])),
        np.array(cold),
    )


def run(candidate: Candidate, texts: Path, threads: int, scores: Path | None = None) -> dict[str, Any]:
    """One process: what `optimization.measure` prints."""
    python = environments.python_of("torch") if candidate.runtime in IN_TORCH_ENVIRONMENT else Path(sys.executable)
    command = [str(python), "-m", "optimization.measure", candidate.runtime, str(candidate.folder), str(texts)]
    command += ["--threads", str(threads), *(["--score", str(scores)] if scores else [])]
    command += ["--alone"] if candidate.alone else []
    done = subprocess.run(
        [*command, "--began", str(time.time())], cwd=environments.ROOT, capture_output=True, text=True
    )
    if done.returncode:
        raise NotReady(f"{candidate.name} did not run: {done.stderr.strip()[-500:]}", "make setup-torch")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def latency(cost: Cost) -> Estimate:
    """The median latency in ms, with rounds and texts resampled."""
    return times(np.median, cost.latencies)


def faster(theirs: NDArray[np.float64], ours: NDArray[np.float64]) -> Estimate:
    """How many times lower the median latency is: theirs / ours, (rounds, texts) each, paired by text.

    Rounds and texts are both resampled, because a process may be slow as a whole.
    """
    return times(lambda a, b: np.median(a) / np.median(b), theirs, ours)


def times(statistic: Callable[..., Any], *latencies: NDArray[np.float64], resamples: int = 2000) -> Estimate:
    """A statistic of latencies, (rounds, texts) each: texts are resampled together, rounds for each alone."""
    random = np.random.default_rng(0)
    n = min(x.shape[1] for x in latencies)
    values = []
    for _ in range(resamples):
        texts = random.integers(0, n, n)
        values.append(float(statistic(*(x[random.integers(0, len(x), len(x))][:, texts] for x in latencies))))
    low, high = np.quantile(values, [0.025, 0.975])
    return Estimate(value=float(statistic(*latencies)), low=float(low), high=float(high), n=n)


def rows(measured: Sequence[Measured], truth: NDArray[np.int64], groups: Sequence[Any]) -> list[Row]:
    """The table. The first of `measured` is the yardstick. truth: (n,) label numbers of the set "test"."""
    clusters = clusters_of(groups)
    right = [m.probabilities["test"].argmax(1) == truth for m in measured]
    teacher = right[0]
    p_values = [1.0, *stats.holm([stats.mcnemar(teacher.tolist(), r.tolist()) for r in right[1:]])]
    made = []
    for m, r, p in zip(measured, right, p_values, strict=True):
        kept = stats.bootstrap(lambda a, b: float(a.mean() / b.mean()), r, teacher, clusters=clusters)
        speedup = faster(measured[0].cost[1].latencies, m.cost[1].latencies)
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


def kept_of(measured: Sequence[Measured], truth: NDArray[np.int64], groups: Sequence[Any]) -> dict[str, Estimate]:
    """name -> share of the teacher's accuracy that is kept on the validation split: what is chosen by."""
    right = {m.name: m.probabilities["validation"].argmax(1) == truth for m in measured}
    teacher, clusters = right[measured[0].name], clusters_of(groups)
    return {
        name: stats.bootstrap(lambda a, b: float(a.mean() / b.mean()), r, teacher, clusters=clusters)
        for name, r in right.items()
    }


def choose(
    measured: Sequence[Measured], kept: dict[str, Estimate], choice: Choice, caught: dict[str, NDArray[np.bool_]]
) -> tuple[Measured, str]:
    """What is shipped and why, on the validation split: of those that keep enough, the smallest, fastest or most alert.

    kept: see `kept_of`. caught: for `prefer = "recall"`, whether each attack of the validation split is flagged at the
    variant's threshold; of those that cannot be told from the best (exact McNemar, .05), the smallest is taken. Where
    none keeps enough, the one that keeps most is taken, and the reason says so.
    """
    shippable = [m for m in measured if m.candidate.shippable]
    enough = [m for m in shippable if kept[m.name].low >= choice.keep]
    if not enough:
        best = max(shippable, key=lambda m: kept[m.name].value)
        return best, (
            f"none keeps {choice.keep:.0%} of the teacher's accuracy on validation at its lower bound; this one keeps most, {kept[best.name]}"
        )
    reason = f"of {len(enough)} that keep {choice.keep:.0%} of the teacher's accuracy (lower bound, validation)"
    if choice.prefer == "recall" and caught:
        most = max((caught[m.name] for m in enough), key=lambda c: c.mean())
        alert = [m for m in enough if stats.mcnemar(most.tolist(), caught[m.name].tolist()) > 0.05]
        best = min(alert, key=lambda m: m.candidate.megabytes)
        share = caught[best.name].mean()
        return (
            best,
            f"{reason}, it is the smallest of {len(alert)} that cannot be told from the most alert ({share:.1%} of attacks caught, the most is {most.mean():.1%})",
        )
    if choice.prefer == "fastest":
        best = min(enough, key=lambda m: m.cost[1].p50)
        return best, f"{reason}, it is the fastest"
    best = min(enough, key=lambda m: m.candidate.megabytes)
    return best, f"{reason}, it is the smallest ({best.candidate.megabytes:.2f} MB)"


def sets_of(folder: Path) -> dict[str, list[str]]:
    """The splits that are scored."""
    return {name: work.split(folder, name)["text"].tolist() for name in data.SPLITS[1:]}
