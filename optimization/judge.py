"""Make the judge of support from training pairs: one folder with the model, its tokenizer and how it was trained.

The evaluation room writes the pairs (`python -m evaluation pairs`), calls this through its command line, and measures what
comes out against people. A run that was cut off goes on.
"""

import shutil
from pathlib import Path

from filelock import FileLock

from common import console, files, models
from common.errors import BadInput
from common.settings import settings as shared
from optimization import work
from optimization.config import OptimizationSettings
from optimization.quantize import FORMS, quietly
from optimization.recipe import Support, digest

MADE = {"model.onnx", "tokenizer.json", "model.json", "training.json", "card.json"}
COLUMNS = {"context", "claim", "grounded", "spans", "group"}
CODE = ("support.py", "distil.py", "network.py", "quantize.py")


def make(recipe: Support, pairs: Path, out: Path, s: OptimizationSettings) -> Path:
    """OUT/{model.onnx, tokenizer.json, model.json, training.json}. BadInput for a file that is none of pairs."""
    check(pairs)
    check_out(out)
    base = models.path(recipe.model)
    code = "".join(files.sha256(Path(__file__).with_name(name)) for name in CODE)
    named = digest(
        recipe.model_dump_json(), files.sha256(pairs), files.sha256(base / "model.safetensors"), code, str(s.seed)
    )
    folder = shared().folder(f"optimization/{recipe.name}-{named}")
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "plan.json").exists():
            shutil.copyfile(pairs, folder / "pairs.parquet")
            (folder / "base").mkdir(exist_ok=True)
            for name in work.BASE:
                shutil.copyfile(base / name, folder / "base" / name)
            files.write_json(folder / "plan.json", {"recipe": recipe.model_dump(), "seed": s.seed})
    console.say(f"{recipe.name}: {recipe.title} ({folder})")
    work.in_torch("optimization.support", folder)
    with quietly(), files.new_folder(out) as made:
        FORMS[recipe.form](folder / "float32.onnx", made / "model.onnx", [])
        for name in ("tokenizer.json", "training.json"):
            shutil.copyfile(folder / name, made / name)
        files.write_json(made / "model.json", {"max_tokens": recipe.max_tokens, "form": recipe.form, "recipe": named})
    return out


def check_out(out: Path) -> None:
    """BadInput where a folder holds more than a judge: it is replaced as a whole."""
    if out.exists() and (not out.is_dir() or {file.name for file in out.iterdir()} - MADE):
        raise BadInput(
            f"{out} holds other things than a judge, which would be lost", "--out a new folder, or a judge's"
        )


def check(pairs: Path) -> None:
    """BadInput where a file is not Parquet with the columns of pairs."""
    import pyarrow
    import pyarrow.parquet

    mend = f"--data FILE.parquet with {', '.join(sorted(COLUMNS))}   (python -m evaluation pairs)"
    try:
        found = set(pyarrow.parquet.read_schema(pairs).names)
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise BadInput(f"cannot read {pairs}: {error}", mend) from error
    if COLUMNS - found:
        raise BadInput(f"{pairs} has no {', '.join(sorted(COLUMNS - found))}", mend)
