"""Fine-tune a MiniLM teacher and distil it into a two-layer student. Runs in .venv-torch:

    python -m optimization.distil PROMPTS.parquet MINILM OUT --seed 0

Teacher: all-MiniLM-L6-v2 with its two upper layers trained; the output of the frozen lower four is computed once and
kept, which halves the time. Its logits of the last epoch are the soft targets, so they cost no pass of their own.
Student: the first two layers of MiniLM and the teacher's head, trained on .3 cross-entropy + .7 T^2 KL at T = 2 (Hinton,
Vinyals and Dean 2015). Written to OUT: student.onnx (float32), tokenizer.json, training.json.
"""

import argparse
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from common import console, convert, files

MAX_TOKENS = 64
BATCH = 32
FROZEN, STUDENT_LAYERS = 4, 2
TEMPERATURE, SOFT = 2.0, 0.7


class Classifier(nn.Module):
    """A BERT encoder, mean pooling and a linear head: (ids, mask) -> logits (n, 2)."""

    def __init__(self, folder: Path, layers: int):
        super().__init__()
        from transformers import BertModel

        self.bert = BertModel.from_pretrained(folder, add_pooling_layer=False)
        self.bert.encoder.layer = self.bert.encoder.layer[:layers]
        self.bert.config.num_hidden_layers = layers
        self.head = nn.Linear(self.bert.config.hidden_size, 2)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The form that is exported."""
        return self.pool(self.bert(input_ids=ids, attention_mask=mask).last_hidden_state, mask)

    def upper(self, states: torch.Tensor, mask: torch.Tensor, start: int) -> torch.Tensor:
        """From the output of layer `start` (0: the embeddings) to the logits."""
        return self.pool(self.layers(states, mask, start, len(self.bert.encoder.layer)), mask)

    def layers(self, states: torch.Tensor, mask: torch.Tensor, start: int, end: int) -> torch.Tensor:
        """Layers start to end - 1."""
        hidden = (1.0 - mask[:, None, None, :].to(states.dtype)) * torch.finfo(states.dtype).min
        for layer in self.bert.encoder.layer[start:end]:
            out = layer(states, attention_mask=hidden)
            states = out[0] if isinstance(out, tuple) else out
        return states

    def pool(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Mean over the tokens that are there, then the head."""
        weights = mask.unsqueeze(-1).to(states.dtype)
        return self.head((states * weights).sum(1) / weights.sum(1).clamp(min=1.0))


def batches(lengths: np.ndarray, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Shuffled batches of rows of similar length: little padding."""
    order = random.permutation(len(lengths))
    made = []
    for start in range(0, len(order), BATCH * 16):
        pool = order[start : start + BATCH * 16]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        made += [pool[i : i + BATCH] for i in range(0, len(pool), BATCH)]
    random.shuffle(made)
    yield from made


class States:
    """The output of the first `depth` layers for every text, kept without padding."""

    def __init__(self, model: Classifier, ids: list[list[int]], depth: int):
        self.lengths = np.array([len(i) for i in ids])
        self._start = np.concatenate([[0], np.cumsum(self.lengths)])
        self._kept = torch.empty(int(self._start[-1]), model.bert.config.hidden_size)
        order = np.argsort(self.lengths, kind="stable")
        with torch.inference_mode():
            for begin in range(0, len(order), 64):
                rows = order[begin : begin + 64]
                tokens, mask = pad([ids[i] for i in rows])
                out = model.layers(model.bert.embeddings(tokens), mask, 0, depth)
                for r, i in enumerate(rows):
                    self._kept[self._start[i] : self._start[i + 1]] = out[r, : self.lengths[i]]

    def get(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """(states (n, longest, width), mask (n, longest)) of some rows."""
        longest = int(self.lengths[rows].max())
        states, mask = (
            torch.zeros(len(rows), longest, self._kept.shape[1]),
            torch.zeros(len(rows), longest, dtype=torch.long),
        )
        for r, i in enumerate(rows):
            states[r, : self.lengths[i]] = self._kept[self._start[i] : self._start[i + 1]]
            mask[r, : self.lengths[i]] = 1
        return states, mask


def pad(ids: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids -> (ids, mask), padded with 0."""
    longest = max(map(len, ids))
    tokens, mask = torch.zeros(len(ids), longest, dtype=torch.long), torch.zeros(len(ids), longest, dtype=torch.long)
    for r, row in enumerate(ids):
        tokens[r, : len(row)], mask[r, : len(row)] = torch.tensor(row), 1
    return tokens, mask


def train(
    model: Classifier,
    states: States,
    labels: torch.Tensor,
    start: int,
    rate: float,
    seed: int,
    name: str,
    soft: torch.Tensor | None = None,
) -> torch.Tensor:
    """Two epochs of AdamW over the layers from `start` and the head. Returns the logits of the last epoch, (n, 2)."""
    torch.manual_seed(seed)
    random, epochs = np.random.default_rng(seed), 2
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    upper = [p for layer in model.bert.encoder.layer[start:] for p in layer.parameters()]
    for parameter in [*upper, *model.head.parameters()]:
        parameter.requires_grad_(True)
    steps = epochs * -(-len(labels) // BATCH)
    optimizer = torch.optim.AdamW(
        [{"params": upper, "lr": rate}, {"params": model.head.parameters(), "lr": 1e-3}], weight_decay=0.01
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: min((i + 1) / (0.1 * steps), max(0.0, (steps - i) / (0.9 * steps)))
    )
    model.eval()  # no dropout: two epochs hardly overfit, and the run is repeatable
    last = torch.zeros(len(labels), 2)
    with console.progress(name, steps) as advance:
        for _ in range(epochs):
            for rows in batches(states.lengths, random):
                logits = model.upper(*states.get(rows), start)
                picked = torch.as_tensor(rows)
                loss = functional.cross_entropy(logits, labels[picked])
                if soft is not None:
                    target = functional.softmax(soft[picked] / TEMPERATURE, -1)
                    kl = functional.kl_div(
                        functional.log_softmax(logits / TEMPERATURE, -1), target, reduction="batchmean"
                    )
                    loss = (1 - SOFT) * loss + SOFT * TEMPERATURE**2 * kl
                last[picked] = logits.detach()
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(upper, 1.0)
                optimizer.step()
                schedule.step()
                advance(1)
    return last


def main(prompts: Path, minilm: Path, out: Path, seed: int) -> None:
    """Train, distil, export."""
    import pandas as pd
    from tokenizers import Tokenizer

    rows = pd.read_parquet(prompts)
    tokenizer = Tokenizer.from_file(str(minilm / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    ids = [e.ids for e in tokenizer.encode_batch(rows["text"].tolist())]
    labels = torch.tensor(rows["label"].to_numpy())
    torch.manual_seed(seed)
    seconds: dict[str, float] = {}

    def lap(name: str, began: float) -> None:
        seconds[name] = round(time.monotonic() - began, 1)

    began = time.monotonic()
    teacher = Classifier(minilm, 6)
    console.say(f"teacher: the frozen layers over {len(rows)} prompts")
    lower = States(teacher, ids, FROZEN)
    logits = train(teacher, lower, labels, FROZEN, 1.5e-4, seed, "teacher")
    lap("teacher", began)
    del lower
    began = time.monotonic()
    student = Classifier(minilm, STUDENT_LAYERS)
    student.head.load_state_dict(teacher.head.state_dict())
    train(student, States(student, ids, 0), labels, 0, 2e-4, seed, "student", soft=logits)
    lap("student", began)
    began = time.monotonic()
    for name, model in (("teacher", teacher), ("student", student)):
        export(model.eval(), out / f"{name}.onnx")
    lap("export", began)
    shutil.copyfile(minilm / "tokenizer.json", out / "tokenizer.json")
    files.write_json(
        out / "training.json", {"rows": len(rows), "seed": seed, "seconds": seconds, "max_tokens": MAX_TOKENS}
    )


def export(model: Classifier, path: Path) -> None:
    """To ONNX, compared with PyTorch on padded rows. AssertionError where they differ by more than 1e-4."""
    import onnxruntime

    ids = torch.randint(1000, 2000, (3, 12))
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    convert.export(model, (ids, mask), path, outputs=["logits"])
    session: Any = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"ids": ids.numpy(), "mask": mask.numpy()})
    with torch.no_grad():
        difference = float(np.abs(found - model(ids, mask).numpy()).max())
    if difference > 1e-4:
        raise AssertionError(f"{path.name} differs from PyTorch by {difference:.1e}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for argument in ("prompts", "minilm", "out"):
        parser.add_argument(argument, type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    main(given.prompts, given.minilm, given.out, given.seed)
