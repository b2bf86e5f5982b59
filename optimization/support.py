"""Train the judge of support: does the evidence hold a claim, and which words does it not hold? Runs in .venv-torch:

    python -m optimization.support FOLDER

FOLDER holds plan.json (the recipe and a seed), pairs.parquet (context, claim, grounded, spans, group) and base/ (the encoder
it starts from); model.onnx, tokenizer.json, model.json and training.json are added. An interrupted run goes on.

A cross-encoder reads [CLS] claim [SEP] evidence [SEP]. Every token of the claim gets a logit for "nothing supports this",
the claim one for "grounded"; both are learned, because "wrong" alone does not say where (Kryscinski et al. 2020 mark spans,
too). A token that stands in the other part is told so by an embedding of its own: that spares a small network the hardest
thing it would have to learn, to compare words, and leaves it what matters, the words that differ.
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
from common.errors import Refused
from common.stats import auc
from optimization.distil import batches, fit
from optimization.network import Encoder, restore, save
from optimization.recipe import Support

HELD = 1000  # pairs of texts that are not trained on
PARITY = 1e-3  # largest difference of a logit between ONNX Runtime and PyTorch


class Judge(nn.Module):
    """(ids, mask, types), int64 [batch, sequence] -> (grounded logit [batch], unsupported logit of each token [batch, sequence])."""

    def __init__(self, body: nn.Module):
        super().__init__()
        width = int(body.config.hidden_size)
        self.body, self.same = body, nn.Embedding(2, width)
        nn.init.normal_(self.same.weight, std=0.02)
        self.token, self.claim = nn.Linear(width, 1), nn.Linear(3 * width, 1)

    def forward(self, ids: Any, mask: Any, types: Any) -> Any:
        """The form that is exported."""
        elsewhere = (types.unsqueeze(2) != types.unsqueeze(1)) & (mask.unsqueeze(1) > 0)
        same = ((ids.unsqueeze(2) == ids.unsqueeze(1)) & elsewhere).any(2).long()
        words = self.body.embeddings.word_embeddings(ids) + self.same(same)
        states = self.body(inputs_embeds=words, attention_mask=mask, token_type_ids=types).last_hidden_state
        own = ((types == 0) & (mask > 0)).unsqueeze(2).to(states.dtype)
        mean = (states * own).sum(1) / own.sum(1).clamp(min=1.0)
        largest = (states + (own - 1) * 1e4).amax(1)
        claim = self.claim(torch.cat([states[:, 0], mean, largest], 1)).squeeze(1)
        return claim, self.token(states).squeeze(2)


class Pairs:
    """Token ids of the pairs, which of them belong to the evidence, and the marks."""

    def __init__(self, rows: Any, tokenizer: Any):
        encoded = tokenizer.encode_batch(list(zip(rows["claim"], rows["context"], strict=True)))
        self.ids = [e.ids for e in encoded]
        self.types = [e.type_ids for e in encoded]
        self.lengths = np.array([len(i) for i in self.ids])
        self.grounded = torch.tensor(rows["grounded"].to_numpy(), dtype=torch.float32)
        self.wrong = [marked(e, spans) for e, spans in zip(encoded, rows["spans"], strict=True)]

    def batch(self, rows: np.ndarray) -> tuple[torch.Tensor, ...]:
        """(ids, mask, types, wrong), padded to the longest; wrong is -1 where no mark is asked for."""
        longest = int(self.lengths[rows].max())
        ids, mask, types = (torch.zeros(len(rows), longest, dtype=torch.long) for _ in range(3))
        wrong = torch.full((len(rows), longest), -1.0)
        for r, i in enumerate(rows):
            n = self.lengths[i]
            ids[r, :n], mask[r, :n], types[r, :n] = torch.tensor(self.ids[i]), 1, torch.tensor(self.types[i])
            wrong[r, :n] = torch.tensor(self.wrong[i])
        return ids, mask, types, wrong

    def batches(self, random: np.random.Generator) -> Iterator[np.ndarray]:
        """See `distil.batches`."""
        return batches(self.lengths, random)


def marked(encoded: Any, spans: Any) -> list[float]:
    """A number a token: 1 for one that a span touches, 0 for another of the claim, -1 outside it."""
    found = []
    for kind, special, (start, end) in zip(encoded.type_ids, encoded.special_tokens_mask, encoded.offsets, strict=True):
        touched = any(start < b and a < end for a, b in spans)
        found.append(-1.0 if kind or special else float(touched))
    return found


def train(recipe: Support, folder: Path, seed: int) -> None:
    """FOLDER/model.safetensors and training.json."""
    import pandas as pd

    began = time.monotonic()
    rows = pd.read_parquet(folder / "pairs.parquet")
    names = rows["group"].drop_duplicates().sample(frac=1, random_state=seed)
    sizes = rows["group"].value_counts()[names]
    apart = set(names[(sizes.cumsum() <= min(HELD, len(rows) // 10)).to_numpy()])
    held = rows["group"].isin(apart)
    tokenizer = reader(folder / "base" / "tokenizer.json", recipe.max_tokens)
    pairs = Pairs(rows[~held], tokenizer)
    torch.manual_seed(seed)
    model = Judge(Encoder.load(folder / "base", 1).body)
    model.body.embeddings.word_embeddings.requires_grad_(False)
    heads = [*model.token.parameters(), *model.claim.parameters(), *model.same.parameters()]
    known = {id(p) for p in heads}
    body = [p for p in model.parameters() if p.requires_grad and id(p) not in known]
    groups = [{"params": body, "lr": recipe.rate}, {"params": heads, "lr": 1e-3}]

    def loss_of(rows: np.ndarray) -> torch.Tensor:
        ids, mask, types, wrong = pairs.batch(rows)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=halves()):
            claim, token = model(ids, mask, types)
        claim, token, asked = claim.float(), token.float(), wrong >= 0
        marks = functional.binary_cross_entropy_with_logits(token[asked], wrong[asked], pos_weight=torch.tensor(3.0))
        return functional.binary_cross_entropy_with_logits(claim, pairs.grounded[rows]) + recipe.marks * marks

    fit(model, loss_of, pairs, groups, recipe.epochs, seed, folder, recipe.stop)
    save(model, folder / "model.safetensors")
    found = checked(model, Pairs(rows[held], tokenizer)) if held.any() else {}
    files.write_json(
        folder / "training.json",
        {
            "pairs": int((~held).sum()),
            "stop": recipe.stop,
            "seed": seed,
            "held out": found,
            "seconds": round(time.monotonic() - began, 1),
        },
    )
    (folder / "checkpoint.pt").unlink(missing_ok=True)
    console.say(f"{recipe.name}: {found}")


def halves() -> bool:
    """Whether this processor multiplies bfloat16 by itself: twice as fast there, slower elsewhere."""
    return bool(torch.cpu._is_avx512_bf16_supported())


def checked(model: Judge, pairs: Pairs) -> dict[str, float]:
    """AUROC on pairs of texts that were not trained on: of the claim, and of each token."""
    model.eval()
    claims, tokens, marks = [], [], []
    with torch.inference_mode():
        for begin in range(0, len(pairs.ids), 64):
            rows = np.arange(begin, min(begin + 64, len(pairs.ids)))
            ids, mask, types, wrong = pairs.batch(rows)
            claim, token = model(ids, mask, types)
            claims += claim.tolist()
            tokens += token[wrong >= 0].tolist()
            marks += wrong[wrong >= 0].tolist()
    return {
        "pairs": len(pairs.ids), "auroc of claims": round(auc(pairs.grounded.numpy(), claims), 4),
        "auroc of words": round(auc(marks, tokens), 4),
    }  # fmt: skip


def reader(file: Path, max_tokens: int) -> Any:
    """The tokenizer of pairs: of a pair that is too long, the longer part is cut, which is the evidence."""
    from tokenizers import Tokenizer

    made = Tokenizer.from_file(str(file))
    made.no_padding()
    made.enable_truncation(max_tokens, strategy="longest_first")
    return made


def export(recipe: Support, folder: Path) -> None:
    """FOLDER/model.onnx, the same as PyTorch on padded rows; the form that the recipe names is made of it elsewhere."""
    import onnxruntime

    model = restore(Judge(Encoder.load(folder / "base", 1).body), folder / "model.safetensors").eval()
    random = np.random.default_rng(0)
    ids = torch.as_tensor(random.integers(1000, 1100, (3, 24)))
    mask, types = torch.ones_like(ids), torch.zeros_like(ids)
    types[:, 9:] = 1
    mask[1, 15:] = 0
    convert.export(
        model, (ids, mask, types), folder / "float32.onnx", outputs=["grounded", "unsupported"],
        inputs=("ids", "mask", "types"),
    )  # fmt: skip
    session: Any = onnxruntime.InferenceSession(folder / "float32.onnx", providers=["CPUExecutionProvider"])
    found = session.run(None, {"ids": ids.numpy(), "mask": mask.numpy(), "types": types.numpy()})
    with torch.no_grad():
        wanted = model(ids, mask, types)
    there = mask.numpy() > 0
    apart = max(
        np.abs(found[0] - wanted[0].numpy()).max(), np.abs(found[1] - wanted[1].numpy())[there].max(),
    )  # fmt: skip
    if not apart <= PARITY:
        raise Refused(
            f"ONNX Runtime differs from PyTorch by {apart:.1e}", "report it with the versions of torch and onnx"
        )
    shutil.copyfile(folder / "base" / "tokenizer.json", folder / "tokenizer.json")


def main(folder: Path) -> None:
    """What is missing of a judge."""
    import logging
    import warnings

    from transformers.utils import logging as chatter

    chatter.set_verbosity_error()
    chatter.disable_progress_bar()
    warnings.simplefilter("ignore")  # the exporter's own
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    plan = files.read_json(folder / "plan.json", "python -m optimization support")
    recipe = Support.model_validate(plan["recipe"])
    if not (folder / "training.json").exists():
        train(recipe, folder, int(plan["seed"]))
    if not (folder / "float32.onnx").exists():
        export(recipe, folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    console.main(lambda: main(given.folder))
