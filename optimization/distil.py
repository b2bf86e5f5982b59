"""Fine-tune the teacher and distil the students. Runs in .venv-torch, on folders that `optimization.work` prepared:

    python -m optimization.distil HOME teacher
    python -m optimization.distil HOME/STUDENTS students [NAME...]

Teacher: an encoder whose upper layers and head are trained on the labels. Students: see `recipe.Distillation` for the loss.
Its soft term is that of Hinton, Vinyals and Dean (2015); its hidden term compares every layer of the student with the
layer of the teacher at the same relative depth, as TinyBERT does (Jiao et al. 2020), but pooled over the text, because a
student with a smaller vocabulary has other tokens; where the widths differ, through a projection that is thrown away. Unlabelled texts for it are cut and joined out of the labelled ones. After
every epoch, and every 500 steps, a checkpoint is written, and an interrupted run goes on from it.
"""

import argparse
import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from common import console, files
from optimization import vocabulary
from optimization.network import Convolution, Encoder, pool, restore, save
from optimization.recipe import Student, Text

BATCH = 32
UNLABELLED = -1
EVERY = 500  # steps between checkpoints: a minute or two of work


class Texts:
    """Token ids of the training texts and their labels (UNLABELLED for made ones)."""

    def __init__(self, texts: list[str], labels: np.ndarray, tokenizer: Any):
        self.ids = [e.ids for e in tokenizer.encode_batch(texts)]
        self.lengths = np.array([len(i) for i in self.ids])
        self.labels = torch.tensor(labels)  # a copy: a Parquet file's arrays are read-only

    def batch(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """(ids, mask), padded with 0 to the longest."""
        longest = int(self.lengths[rows].max())
        ids, mask = (torch.zeros(len(rows), longest, dtype=torch.long) for _ in range(2))
        for r, i in enumerate(rows):
            ids[r, : self.lengths[i]], mask[r, : self.lengths[i]] = torch.tensor(self.ids[i]), 1
        return ids, mask

    def batches(self, random: np.random.Generator) -> Iterator[np.ndarray]:
        """See `batches`."""
        return batches(self.lengths, random)


def batches(lengths: np.ndarray, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Shuffled batches of rows of similar length: little padding."""
    order = random.permutation(len(lengths))
    made = []
    for start in range(0, len(order), BATCH * 16):
        rows = order[start : start + BATCH * 16]
        rows = rows[np.argsort(lengths[rows], kind="stable")]
        made += [rows[i : i + BATCH] for i in range(0, len(rows), BATCH)]
    random.shuffle(made)
    yield from made


class Targets:
    """What the teacher says of every text: logits (n, labels), and the pooled states of some of its layers (n, width)."""

    def __init__(self, teacher: Encoder, texts: Texts, layers: list[int]):
        teacher.eval()
        self.logits = torch.zeros(len(texts.ids), teacher.head.out_features)
        self.pooled = {layer: torch.zeros(len(texts.ids), teacher.head.in_features) for layer in layers}
        order = np.argsort(texts.lengths, kind="stable")
        with torch.inference_mode(), console.progress("the teacher's answers", len(order)) as advance:
            for begin in range(0, len(order), 64):
                rows = order[begin : begin + 64]
                ids, mask = texts.batch(rows)
                self.logits[rows], states = teacher.states(ids, mask)
                for layer, kept in self.pooled.items():
                    kept[rows] = pool(states[layer], mask)
                advance(len(rows))


def matched(student: int, teacher: int) -> list[int]:
    """The teacher's layer (1: the first) whose output each of the student's layers learns: the same relative depth."""
    return [round((i + 1) * teacher / student) for i in range(student)]


def relative(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Mean squared error in units of the target's variance: 1 is what a constant would get."""
    return functional.mse_loss(found, wanted) / wanted.var().clamp(min=1e-6)


def cut_and_join(texts: list[str], n: int, random: np.random.Generator) -> list[str]:
    """n texts out of pieces of two others, words dropped at random: nobody labels them, the teacher does."""
    made = []
    for _ in range(n):
        words: list[str] = []
        for pick in random.integers(0, len(texts), 2):
            piece = texts[pick].split()[:80]
            at = sorted(random.integers(0, len(piece) + 1, 2)) if len(piece) > 3 else (0, len(piece))
            words += piece[at[0] : at[1]]
        kept = [w for w in words if random.random() > 0.1]
        made.append(" ".join(kept or words or texts[pick].split()[:1]))
    return made


def fit(
    model: nn.Module, loss_of: Any, texts: Any, groups: list[dict[str, Any]], epochs: int, seed: int, folder: Path,
    stop: float = 1.0,
) -> None:  # fmt: skip
    """AdamW with warm-up and linear decay. `loss_of(rows)` gives a batch's loss. Goes on from folder/checkpoint.pt.

    model: everything that is trained, a projection that is thrown away later included. stop: the share of the steps that are
    taken of those that warm-up and decay are drawn for.
    """
    checkpoint = folder / "checkpoint.pt"
    steps = epochs * -(-len(texts.ids) // BATCH)
    last = max(1, round(stop * steps))
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: min((i + 1) / (0.1 * steps), max(0.0, (steps - i) / (0.9 * steps)))
    )
    done = 0
    if checkpoint.exists():
        kept = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
        schedule.load_state_dict(kept["schedule"])
        done = kept["steps"]
        console.say(f"{folder.name}: goes on after step {done} of {last}")
    trained = [p for group in groups for p in group["params"]]
    model.eval()  # no dropout: a few epochs hardly overfit, and the run is repeatable
    order = (rows for epoch in range(epochs) for rows in texts.batches(np.random.default_rng([seed, epoch])))
    with console.progress(folder.name, last) as advance:
        advance(done)
        for step, rows in enumerate(islice(order, done, last), done + 1):
            optimizer.zero_grad(set_to_none=True)
            loss_of(rows).backward()
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            schedule.step()
            advance(1)
            if step % EVERY == 0 or step % (steps // epochs) == 0:
                parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
                keep({name: part.state_dict() for name, part in parts.items()} | {"steps": step}, checkpoint)


def keep(state: dict[str, Any], checkpoint: Path) -> None:
    """A checkpoint, whole or not at all."""
    temporary = checkpoint.with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.replace(checkpoint)


def train_teacher(recipe: Text, home: Path, labels: int, seed: int) -> None:
    """HOME/teacher/model.safetensors and training.json."""
    folder = home / "teacher"
    if (folder / "training.json").exists():
        return
    folder.mkdir(exist_ok=True)
    began = time.monotonic()
    texts = Texts(*training_rows(recipe, home), tokenizer(home / "base" / "tokenizer.json", recipe.teacher.max_tokens))
    torch.manual_seed(seed)
    model = Encoder.load(home / "base", labels)
    model.freeze(recipe.teacher.frozen)
    body = [p for p in model.body.parameters() if p.requires_grad]
    groups = [{"params": body, "lr": recipe.teacher.rate}, {"params": list(model.head.parameters()), "lr": 1e-3}]
    fit(
        model,
        lambda rows: functional.cross_entropy(model(*texts.batch(rows)), texts.labels[rows]),
        texts,
        groups,
        recipe.teacher.epochs,
        seed,
        folder,
    )
    finish(model, folder, {"rows": len(texts.ids), "seed": seed, "seconds": time.monotonic() - began})


def train_students(recipe: Text, folder: Path, labels: int, seed: int, only: list[str]) -> None:
    """FOLDER/NAME/model.safetensors and training.json for every student that is not there yet."""
    home, d = folder.parent, recipe.distil
    wanted = [
        s for s in recipe.students if (not only or s.name in only) and not (folder / s.name / "training.json").exists()
    ]
    if not wanted:
        return
    teacher = restore(Encoder.load(home / "base", labels), home / "teacher" / "model.safetensors")
    rows = training_rows(recipe, home, seed)
    whole = Texts(*rows, tokenizer(home / "base" / "tokenizer.json", recipe.teacher.max_tokens))
    layers = {layer for s in wanted for layer in matched(len(s.layers) if s.kind == "layers" else 1, teacher.depth)}
    targets = Targets(teacher, whole, sorted(layers) if d.hidden else []) if d.soft or d.hidden else None
    for student in wanted:
        torch.manual_seed(seed)  # for each: a student is the same whichever were trained before it
        start = Encoder.load(home / "base", labels) if student.start == "base" else teacher
        model, texts = shape(student, start), whole
        target = folder / student.name
        target.mkdir(parents=True, exist_ok=True)
        if student.vocabulary:
            counts = vocabulary.used(tokenizer(home / "base" / "tokenizer.json", 512), rows[0])
            made = vocabulary.cut(home / "base" / "tokenizer.json", counts, student.vocabulary)
            if made:
                model.keep_tokens(made[0])
                files.write_text(target / "tokenizer.json", json.dumps(made[1], ensure_ascii=False))
                texts = Texts(*rows, tokenizer(target / "tokenizer.json", recipe.teacher.max_tokens))
            else:
                console.say(
                    f"{student.name}: keeps its whole vocabulary: its tokenizer is not of the kind that can be cut"
                )
        distil(student, recipe, model, texts, targets if student.distilled else None, target, seed, teacher.depth)


def distil(
    student: Student,
    recipe: Text,
    model: Encoder | Convolution,
    texts: Texts,
    targets: Targets | None,
    folder: Path,
    seed: int,
    depth: int,
) -> None:
    """Train one student and write it. depth: layers of the teacher."""
    began, d = time.monotonic(), recipe.distil
    torch.manual_seed(seed)
    width = targets.pooled[depth].shape[1] if targets and d.hidden else 1
    trained = nn.ModuleDict({"model": model, "project": nn.Linear(2 * student.width, width)})
    project = trained["project"]
    if isinstance(model, Encoder):
        model.freeze(0)
    layers = matched(len(student.layers), depth) if isinstance(model, Encoder) and targets and d.hidden else []

    def loss_of(rows: np.ndarray) -> torch.Tensor:
        ids, mask = texts.batch(rows)
        loss = torch.zeros(())
        if isinstance(model, Encoder):
            logits, states = model.states(ids, mask)
            for own, layer in zip(states[1:], layers, strict=False):
                loss = loss + d.hidden / len(layers) * relative(pool(own, mask), targets.pooled[layer][rows])  # type: ignore[union-attr]
        else:
            features = model.features(ids, mask)
            logits = model.head(features)
            if targets and d.hidden:
                loss = loss + d.hidden * relative(project(features), targets.pooled[depth][rows])
        known = texts.labels[rows] != UNLABELLED
        if known.any():
            weight = d.hard if targets and d.soft else 1.0  # alone, the labels count in full
            loss = loss + weight * functional.cross_entropy(logits[known], texts.labels[rows][known])
        if targets and d.soft:
            t = d.temperature
            wanted = functional.softmax(targets.logits[rows] / t, -1)
            kl = functional.kl_div(functional.log_softmax(logits / t, -1), wanted, reduction="batchmean")
            loss = loss + d.soft * t**2 * kl
        return loss

    head = list(model.head.parameters())
    heads = {id(p) for p in head}
    body = [p for p in model.parameters() if p.requires_grad and id(p) not in heads]
    groups = [{"params": body, "lr": student.rate}, {"params": [*head, *project.parameters()], "lr": 1e-3}]
    fit(trained, loss_of, texts, groups, student.epochs, seed, folder)
    finish(model, folder, {"rows": len(texts.ids), "seed": seed, "seconds": time.monotonic() - began})


def shape(student: Student, teacher: Encoder) -> Encoder | Convolution:
    """A student before its training: it starts from the teacher's weights."""
    return teacher.shrink(student.layers) if student.kind == "layers" else Convolution.of(teacher, student.width)


def finish(model: nn.Module, folder: Path, training: dict[str, Any]) -> None:
    """Weights first, then the record that says that they are whole."""
    save(model, folder / "model.safetensors")
    files.write_json(folder / "training.json", training | {"seconds": round(training["seconds"], 1)})
    (folder / "checkpoint.pt").unlink(missing_ok=True)


def training_rows(recipe: Text, home: Path, seed: int | None = None) -> tuple[list[str], np.ndarray]:
    """(texts, labels) of the training split; with a seed, the made texts behind them."""
    import pandas as pd

    rows = pd.read_parquet(home / "train.parquet")
    texts, labels = rows["text"].tolist(), rows["label"].to_numpy()
    if seed is not None and recipe.distil.augment and (recipe.distil.soft or recipe.distil.hidden):
        n = int(recipe.distil.augment * len(texts))
        texts = texts + cut_and_join(texts, n, np.random.default_rng(seed))
        labels = np.concatenate([labels, np.full(n, UNLABELLED)])
    return texts, labels


def tokenizer(file: Path, max_tokens: int) -> Any:
    """A tokenizer that cuts at `max_tokens`, without padding."""
    from tokenizers import Tokenizer

    made = Tokenizer.from_file(str(file))
    made.no_padding()
    made.enable_truncation(max_tokens)
    return made


def main(folder: Path, stage: str, only: list[str]) -> None:
    """Run a stage."""
    from transformers.utils import logging as chatter

    chatter.set_verbosity_error()
    chatter.disable_progress_bar()
    recipe, labels, seed = plan_of(folder)
    if stage == "teacher":
        train_teacher(recipe, folder, len(labels), seed)
    else:
        train_students(recipe, folder, len(labels), seed, only)


def plan_of(folder: Path) -> tuple[Text, list[str], int]:
    """(recipe, names of the labels, seed), as `optimization.work` wrote them."""
    plan = files.read_json(folder / "plan.json", "python -m optimization train RECIPE")
    return Text.model_validate(plan["recipe"]), list(plan["labels"]), int(plan["seed"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("stage", choices=["teacher", "students"])
    parser.add_argument("only", nargs="*")
    given = parser.parse_args()
    console.main(lambda: main(given.folder, given.stage, given.only))
