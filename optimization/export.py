"""Export teacher and students by torch.onnx. Runs in .venv-torch:

    python -m optimization.export HOME/STUDENTS MODELS

Writes HOME/STUDENTS/MODELS/NAME/{model.onnx, tokenizer.json, model.json, parity.json}. Each model is compared with PyTorch on
single and full batches, on the shortest and the longest text, and on padded rows; too large a difference writes nothing.
"""

import argparse
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from common import console, convert, files
from common.errors import Refused
from optimization.distil import plan_of, shape
from optimization.network import Convolution, Encoder, restore
from optimization.recipe import Text

PARITY = 1e-4  # largest difference of a logit
SHAPES = ((1, 2), (1, 7), (3, 12), (2, 64), (32, 5), (64, 33))  # (batch, tokens); the recipe's longest is added


def parity(model: torch.nn.Module, path: Path, vocabulary: int, longest: int) -> dict[str, float]:
    """Largest difference of a logit between ONNX Runtime and PyTorch for every shape. Refused above PARITY."""
    import onnxruntime

    session: Any = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    random, found = np.random.default_rng(0), {}
    for batch, tokens in (*SHAPES, (2, longest)):
        ids = torch.as_tensor(random.integers(1, vocabulary, (batch, tokens)))
        mask = torch.ones_like(ids)
        for row in range(batch // 2):  # half of the rows padded, down to two tokens
            mask[row, 2 + row % max(1, tokens - 2) :] = 0
        with torch.no_grad():
            wanted = model(ids, mask).numpy()
        (got,) = session.run(None, {"ids": ids.numpy(), "mask": mask.numpy()})
        found[f"{batch}x{tokens}"] = float(np.abs(got - wanted).max())
    if not max(found.values()) <= PARITY:
        raise Refused(
            f"{path.name} differs from PyTorch by {max(found.values()):.1e}",
            "report it with the versions of torch and onnx",
        )
    return found


def write(model: Encoder | Convolution, target: Path, tokenizer: Path, recipe: Text, labels: list[str]) -> None:
    """One model's folder."""
    table = model.body.embeddings.word_embeddings if isinstance(model, Encoder) else model.embedding
    with files.new_folder(target) as folder:
        ids = torch.randint(1, 200, (3, 12))
        mask = torch.ones_like(ids)
        mask[1, 5:] = 0
        convert.export(model.eval(), (ids, mask), folder / "model.onnx", outputs=["logits"])
        found = parity(model, folder / "model.onnx", int(table.num_embeddings), recipe.teacher.max_tokens)
        shutil.copyfile(tokenizer, folder / "tokenizer.json")
        positive = labels.index(recipe.flagging.positive) if recipe.flagging else None
        files.write_json(
            folder / "model.json",
            {"labels": labels, "positive": positive, "threshold": 0.5, "max_tokens": recipe.teacher.max_tokens},
        )
        files.write_json(folder / "parity.json", found)
    console.say(
        f"exported {target.name}: {(target / 'model.onnx').stat().st_size / 1e6:.1f} MB, parity {max(found.values()):.0e}"
    )


def export_all(folder: Path, models: Path) -> None:
    """Every model that is trained and not exported yet."""
    import logging

    from transformers.utils import logging as chatter

    chatter.set_verbosity_error()
    chatter.disable_progress_bar()
    warnings.simplefilter("ignore", UserWarning)  # ids and mask share their axes on purpose
    warnings.simplefilter("ignore", FutureWarning)  # torch's own, about its own trees
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # four lines about torchvision for every model
    (recipe, labels, _), home = plan_of(folder), folder.parent
    teacher = restore(Encoder.load(home / "base", len(labels)), home / "teacher" / "model.safetensors")
    if not (models / "teacher").exists():
        write(teacher, models / "teacher", home / "base" / "tokenizer.json", recipe, labels)
    for student in recipe.students:
        weights = folder / student.name / "model.safetensors"
        if not weights.exists() or (models / student.name).exists():
            continue
        model, own = shape(student, teacher), folder / student.name / "tokenizer.json"
        if own.exists():
            model.keep_tokens(list(range(len(json.loads(own.read_text())["model"]["vocab"]))))
        restore(model, weights)
        if isinstance(model, Encoder):
            model.keep_positions(recipe.teacher.max_tokens)
        write(model, models / student.name, own if own.exists() else home / "base" / "tokenizer.json", recipe, labels)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("models")
    given = parser.parse_args()
    console.main(lambda: export_all(given.folder, given.folder / given.models))
