"""What each term of the distillation buys: the same student, one term more at a time.

A seed draws the training sample, trains a teacher on it and every student from it. The interval of a row's mean is over
the seeds and the test prompts together: prompts are resampled, and seeds with them; of one seed, over the prompts alone.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from common import console, stats
from common.contracts import Estimate
from optimization import work
from optimization.classify import Classifier
from optimization.config import OptimizationSettings
from optimization.recipe import Distillation, Text

ROWS, SEEDS, STUDENTS = 2000, (0, 1, 2), ("two", "tiny")  # a minute a step and seed on two cores
# (name, whose weights it starts from, the terms of the loss, how many times the epochs)
STEPS: tuple[tuple[str, str, dict[str, float], int], ...] = (
    ("labels only, from the untuned layers", "base", {"soft": 0, "hidden": 0}, 1),
    ("labels only, from the teacher's layers", "teacher", {"soft": 0, "hidden": 0}, 1),
    ("labels at .3, and the teacher's logits", "teacher", {"hidden": 0}, 1),
    ("and its hidden states", "teacher", {}, 1),
    ("and twice the steps", "teacher", {}, 2),
    ("half of them on made texts", "teacher", {"augment": 1.0}, 1),
)


def measure(guard: Text, s: OptimizationSettings, seeds: tuple[int, ...] = SEEDS) -> list[dict[str, Any]]:
    """A row a student and step: accuracy, and its difference to the step before, paired by prompt and seed."""
    right: dict[tuple[str, str], list[NDArray[np.bool_]]] = {}
    teacher: list[NDArray[np.bool_]] = []
    for seed in seeds:
        settings = s.model_copy(update={"seed": seed})
        for label, start, terms, longer in STEPS:
            console.say(f"ablation, seed {seed}: {label}")
            recipe = step(guard, start, terms, longer)
            folder = work.export(recipe, settings)
            test = work.split(folder, "test")
            texts, truth = test["text"].tolist(), test["label"].to_numpy()
            for student in recipe.students:
                found = Classifier(work.models_of(folder) / student.name, threads=2).probabilities(texts).argmax(1)
                right.setdefault((student.name, label), []).append(found == truth)
            if label == STEPS[0][0]:
                found = Classifier(work.models_of(folder) / "teacher", threads=2).probabilities(texts).argmax(1)
                teacher.append(found == truth)
    rows = [
        {
            "student": "the teacher",
            "trained on": "labels",
            "accuracy": str(over_seeds(teacher)),
            "minus the step before": "",
        }
    ]
    for name in STUDENTS:
        before: list[NDArray[np.bool_]] = []
        for label, *_ in STEPS:
            own = right[name, label]
            gain = str(over_seeds([a.astype(float) - b for a, b in zip(own, before, strict=True)])) if before else ""
            rows.append(
                {"student": name, "trained on": label, "accuracy": str(over_seeds(own)), "minus the step before": gain}
            )
            before = own
    return rows


def step(guard: Text, start: str, terms: dict[str, float], longer: int) -> Text:
    """The guard's recipe with some terms of the loss, on a small sample. A convolution takes embeddings only, which are
    not trained: for it, the teacher's and the untuned ones are the same."""
    students = tuple(
        x.model_copy(update={"start": start, "epochs": longer * x.epochs}) for x in guard.students if x.name in STUDENTS
    )
    distil = Distillation(**{**guard.distil.model_dump(), **terms})
    data = guard.data.model_copy(update={"rows": ROWS})
    return guard.model_copy(update={"students": students, "distil": distil, "data": data})


def over_seeds(values: list[Any], resamples: int = 1000) -> Estimate:
    """The mean over seeds and prompts, with an interval that resamples both; few seeds make it wide, as they should."""
    table = np.array(values, float)  # (seeds, prompts)
    random = np.random.default_rng(0)
    means = [
        table[random.integers(0, len(table), len(table))][:, random.integers(0, table.shape[1], table.shape[1])].mean()
        for _ in range(resamples)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    centre, wider = float(table.mean()), stats.small_sample(len(table))
    return Estimate(
        value=centre,
        low=centre - wider * (centre - float(low)),
        high=centre + wider * (float(high) - centre),
        n=table.size,
    )
