"""The work folder of a recipe, and its stages: train, distil, export. Each does what is missing before it, and no more.

A folder is named by the recipe, its data, the seed and the code that trains: a change of any begins anew, and the same
again finds what is there. An interrupted stage goes on where it was.
"""

import hashlib
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from common import console, environments, files, models
from common.errors import BadInput, NotReady
from common.settings import settings as shared
from optimization import data, traffic
from optimization.config import OptimizationSettings
from optimization.recipe import Text, digest

if TYPE_CHECKING:
    import pandas as pd

BASE = ("config.json", "model.safetensors", "tokenizer.json")
# What trains, and what makes models of what was trained: a change of either makes them anew.
TEACHER_CODE = ("prompts.py", "data.py", "traffic.py", "network.py", "distil.py", "vocabulary.py")
MODEL_CODE = ("export.py", "quantize.py", "lexical.py", "baselines.py")


def home(recipe: Text, s: OptimizationSettings) -> Path:
    """The folder of a recipe's data and teacher; made, and the data written, on first use."""
    if recipe.data.source == "prompts":
        origin = str(models.catalogue()["prompts"]["wheel"])
        origin += digest(*traffic.to_train()) if recipe.data.traffic else ""
    else:
        data.reader(Path(recipe.data.source))  # a clear error before a hash
        origin = files.sha256(Path(recipe.data.source))
    base = models.path(recipe.teacher.model)
    check_base(base, recipe)
    weights = "".join(files.sha256(base / name) for name in BASE)
    code = "".join(files.sha256(Path(__file__).with_name(name)) for name in TEACHER_CODE)
    trained = recipe.model_dump_json(include={"data", "teacher", "flagging"})
    folder = shared().folder(f"optimization/{recipe.name}-{digest(trained, origin, weights, code, str(s.seed))}")
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "plan.json").exists():
            prepare(recipe, base, folder, s.seed)
    return folder


def check_base(base: Path, recipe: Text) -> None:
    """BadInput where a teacher lacks a file, or reads fewer tokens than the recipe wants."""
    mend = "--teacher FOLDER with config.json, model.safetensors and tokenizer.json"
    for name in BASE:
        if not (base / name).exists():
            raise BadInput(f"{base} has no {name}", mend)
    longest = files.read_json(base / "config.json", mend).get("max_position_embeddings", 0)
    if recipe.teacher.max_tokens > longest:
        raise BadInput(f"{recipe.teacher.model} reads {longest} tokens", f"teacher.max_tokens, at most {longest}")


def models_of(folder: Path) -> Path:
    """Where the models made of trained weights lie: named by the code and the libraries that make them."""
    code = [files.sha256(Path(__file__).with_name(name)) for name in MODEL_CODE]
    return folder / f"models-{digest(*code, *(version(name) for name in ('onnx', 'onnxruntime')))}"


def students(recipe: Text, s: OptimizationSettings) -> Path:
    """The folder of a recipe's students, inside that of its teacher: two recipes may share a teacher."""
    parent = home(recipe, s)
    made_by = recipe.model_dump_json(include={"students", "distil"}, exclude={"students": {"__all__": {"forms"}}})
    folder = parent / f"students-{digest(made_by)}"
    plan = files.read_json(parent / "plan.json", "python -m optimization train RECIPE")
    files.write_json(folder / "plan.json", plan | {"recipe": recipe.model_dump()})
    return folder


def prepare(recipe: Text, base: Path, folder: Path, seed: int) -> None:
    """Splits, the teacher's files and the plan; the plan last."""
    splits, labels = data.load(recipe, seed)
    for name, rows in splits.items():
        rows[["text", "label", "source", "group"]].astype({"group": str}).to_parquet(folder / f"{name}.parquet")
    (folder / "base").mkdir(exist_ok=True)
    for name in BASE:
        shutil.copyfile(base / name, folder / "base" / name)
    if recipe.teacher.normalise:
        from tokenizers import Tokenizer, normalizers

        made = Tokenizer.from_file(str(folder / "base" / "tokenizer.json"))
        steps = [normalizers.NFKC(), *([made.normalizer] if made.normalizer else [])]
        made.normalizer = normalizers.Sequence(steps)
        made.save(str(folder / "base" / "tokenizer.json"))
    counts = {name: len(rows) for name, rows in splits.items()}
    files.write_json(
        folder / "plan.json", {"recipe": recipe.model_dump(), "labels": labels, "rows": counts, "seed": seed}
    )


def split(folder: Path, name: str) -> "pd.DataFrame":
    """One split as it was written; `folder` is that of the students."""
    import pandas as pd

    return pd.read_parquet(folder.parent / f"{name}.parquet")


def train(recipe: Text, s: OptimizationSettings) -> Path:
    """The teacher; returns the folder of the students."""
    folder = students(recipe, s)
    if not (folder.parent / "teacher" / "training.json").exists():
        plan = files.read_json(folder / "plan.json", "python -m optimization train")
        console.say(f"{recipe.name}: teacher {recipe.teacher.model} on {plan['rows']['train']} texts ({folder.parent})")
        in_torch("optimization.distil", folder.parent, "teacher")
    return folder


def distil(recipe: Text, s: OptimizationSettings) -> Path:
    """Every student; returns their folder."""
    folder = train(recipe, s)
    missing = [x.name for x in recipe.students if not (folder / x.name / "training.json").exists()]
    if missing:
        console.say(f"{recipe.name}: students {', '.join(missing)}")
        in_torch("optimization.distil", folder, "students", *missing)
    return folder


def export(recipe: Text, s: OptimizationSettings) -> Path:
    """Every model as ONNX; returns the folder."""
    folder = distil(recipe, s)
    names = ["teacher", *(x.name for x in recipe.students)]
    if not all((models_of(folder) / name).exists() for name in names):
        in_torch("optimization.export", folder, models_of(folder).name)
    return folder


def in_torch(module: str, folder: Path, *arguments: str) -> None:
    """Run a module in the torch environment; what it says goes to the terminal."""
    python = environments.torch()
    with FileLock(folder / ".lock"):
        done = subprocess.run([str(python), "-m", module, str(folder), *arguments], cwd=environments.ROOT, stdout=2)
    if done.returncode:
        raise NotReady(f"{module} stopped", "mend what it says above, then run the same command again: it goes on")


def fingerprint(folder: Path) -> str:
    """sha256 over a model folder's files, by name: what a registry entry or a bundle stands for."""
    parts = [f"{f.name} {files.sha256(f)}" for f in sorted(folder.iterdir()) if f.is_file()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
