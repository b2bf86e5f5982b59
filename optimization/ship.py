"""From a recipe to what is shipped: measure every variant, choose one, write its model card, bundle it, register it."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common import files, stats
from common.contracts import Estimate
from common.settings import settings as shared
from domains.pack import Pack
from optimization import bundle, compare, detect, work
from optimization.compare import Candidate, Measured, Row
from optimization.config import OptimizationSettings
from optimization.recipe import Text
from optimization.wheelhouse import Machine

ROUNDS = 3  # in which everything is timed, where everything is asked for


@dataclass(frozen=True)
class Comparison:
    """Every variant's row (the first is the teacher in PyTorch), what is shipped, why, and its threshold."""

    recipe: Text
    folder: Path
    rows: list[Row]
    chosen: Row
    reason: str
    threshold: float
    quality: dict[str, Estimate]
    kept: dict[str, Estimate]  # on the validation split, by name

    def as_dict(self) -> dict[str, Any]:
        """For --json and for MLflow."""
        return {
            "recipe": self.recipe.name, "chosen": self.chosen.name, "reason": self.reason, "threshold": self.threshold,
            "quality": {k: e.model_dump() for k, e in self.quality.items()},
            "rows": [r.quality() | r.costs() for r in self.rows],
        }  # fmt: skip


def run(recipe: Text, pack: Pack, s: OptimizationSettings, every: bool = False) -> Comparison:
    """Train what is missing, measure, choose. `every`: all forms, and the baselines of other libraries."""
    folder = work.export(recipe, s)
    forms = list(recipe.variants)
    others = []
    if every:
        forms = ["float16", "fused", "int8", "int8-reduced", "int8-static", "int8-int4", "int4"]
        work.in_torch("optimization.baselines", folder, work.models_of(folder).name)
        others = extra_candidates(folder)
    found = [*compare.candidates(recipe, folder, forms), *others]
    sets = compare.sets_of(folder)
    own, first = detect.own_traffic(pack, s) if recipe.flagging else ([], np.array([], bool))
    measured = compare.measure(found, {**sets, "own": own}, ROUNDS if every else 1)
    return conclude(recipe, folder, measured, first)


def extra_candidates(folder: Path) -> list[Candidate]:
    """The teacher quantized, and the libraries that others would use."""
    from optimization.quantize import quantize

    models = work.models_of(folder)
    calibration = compare.calibration_of(folder)
    return [
        Candidate("teacher, PyTorch compiled", models / "teacher", "compiled", alone=False),
        Candidate("teacher int8", quantize(models / "teacher", "int8", calibration), "shipped"),
        Candidate("teacher, OpenVINO int8", models / "teacher-openvino", "openvino"),
        Candidate("model2vec", models / "model2vec", "model2vec"),
    ]


def conclude(recipe: Text, folder: Path, measured: Sequence[Measured], first: NDArray[np.bool_]) -> Comparison:
    """Rows, choice and threshold out of what was measured."""
    test, validation = work.split(folder, "test"), work.split(folder, "validation")
    truth = test["label"].to_numpy()
    made = compare.rows(measured, truth, test["group"].tolist())
    thresholds: dict[str, float] = {}
    caught: dict[str, NDArray[np.bool_]] = {}
    if recipe.flagging:
        positive = files.read_json(folder / "plan.json", "train first")["labels"].index(recipe.flagging.positive)
        attack, rate = validation["label"].to_numpy() == positive, recipe.flagging.false_alarm_rate
        for i, r in enumerate(made):
            scores = {k: p[:, positive] for k, p in r.measured.probabilities.items()}
            at = detect.threshold(scores["validation"][~attack], scores["own"], first, rate)
            thresholds[r.name], caught[r.name] = at, scores["validation"][attack] >= at
            made[i] = detector_row(r, scores, truth == positive, first, at)
    kept = compare.kept_of(measured, validation["label"].to_numpy(), validation["group"].tolist())
    chosen, reason = compare.choose(measured, kept, recipe.choice, caught)
    row = next(r for r in made if r.name == chosen.name)
    quality = {"accuracy": row.accuracy, "kept": row.kept}
    if recipe.flagging:
        quality |= {k: row.estimates[k] for k in ("recall", "false_alarms", "own_false_alarms", "auc")}
    return Comparison(recipe, folder, made, row, reason, thresholds.get(chosen.name, 0.5), quality, kept)


def detector_row(
    row: Row, scores: dict[str, NDArray[np.float64]], attack: NDArray[np.bool_], first: NDArray[np.bool_], at: float
) -> Row:
    """A row with what its threshold `at` catches and costs on the test split (attack: its truth) and on the traffic that is
    reported. scores: set -> P(attack)."""
    found = {
        "auc": stats.bootstrap(stats.auc, attack, scores["test"], resamples=300),
        "recall": detect.caught(scores["test"][attack], at),
        "false_alarms": detect.caught(scores["test"][~attack], at),
        "own_false_alarms": detect.caught(scores["own"][~first], at),
    }
    shown = {
        "AUC": str(found["auc"]), "caught at threshold": str(found["recall"]),
        "false alarms, test": str(found["false_alarms"]), "own traffic": str(found["own_false_alarms"]),
    }  # fmt: skip
    return Row(**{**row.__dict__, "extra": shown, "estimates": found})


def package(c: Comparison) -> Path:
    """The chosen model's folder with its threshold: what a bundle carries."""
    source, target = c.chosen.measured.candidate.folder, c.folder / "shipped"
    with files.new_folder(target) as made:
        for file in sorted(source.iterdir()):
            if file.is_file() and file.name not in ("model.json", "parity.json"):
                shutil.copyfile(file, made / file.name)
        settings = json.loads((source / "model.json").read_text())
        files.write_json(made / "model.json", settings | {"threshold": c.threshold})
    return target


def model_card(c: Comparison) -> str:
    """MODEL_CARD.md: what it is, for what, and every variant's numbers."""
    rows = work.split(c.folder, "train")
    lines = [
        f"# {c.recipe.title}", "", f"**{c.chosen.name}**, {c.chosen.megabytes:.2f} MB. {c.recipe.use}", "",
        f"Trained on {len(rows)} texts. {' '.join(f'{k.capitalize()}: {v}.' for k, v in c.recipe.licences.items())}",
        f"Chosen: {c.reason}.", "",
        f"Measured on {c.chosen.accuracy.n} held-out texts of the same sources: expect less on others. Intervals are 95 %.", "",
    ]  # fmt: skip
    table = [r.quality() for r in c.rows]
    lines += [f"| {' | '.join(table[0])} |", f"|{'---|' * len(table[0])}"]
    lines += [f"| {' | '.join(map(str, row.values()))} |" for row in table]
    lines += ["", "What it costs depends on the machine: measure it on yours.", ""]
    return "\n".join(lines)


def reports(c: Comparison) -> dict[str, bytes]:
    """The files for people that travel with the model: card, quality and parity. Nothing that is timed, so that a
    second run of the same recipe gives the same bytes."""
    parity = c.chosen.measured.candidate.folder.with_name(c.chosen.name.split()[0]) / "parity.json"
    found = {
        "MODEL_CARD.md": model_card(c).encode(),
        "QUALITY.json": json.dumps(quality_of(c), indent=2).encode() + b"\n",
    }
    return found | ({"PARITY.json": parity.read_bytes()} if parity.exists() else {})


def quality_of(c: Comparison) -> dict[str, Any]:
    """QUALITY.json."""
    chosen = {"chosen": c.chosen.name, "reason": c.reason, "threshold": c.threshold}
    return chosen | {
        "quality": {k: e.model_dump() for k, e in c.quality.items()},
        "rows": [r.quality() for r in c.rows],
    }


def bundle_of(c: Comparison, version: str, machine: Machine) -> Path:
    """The signed bundle of a comparison."""
    target = (
        shared().folder("bundles")
        / f"{c.recipe.name}-{version}-{machine.platform}-cp{machine.python.replace('.', '')}.tar"
    )
    training = (c.folder.parent / "train.parquet").read_bytes()
    return bundle.build(
        c.recipe.name,
        version,
        package(c),
        reports(c),
        c.quality,
        c.recipe.licences,
        c.recipe.use,
        training,
        machine,
        target,
    )
