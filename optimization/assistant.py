"""A small language model at fewer bits: built, and measured against the float32 checkpoint in PyTorch.

Perplexity is per token over the packs' documents, with the paired difference in log-likelihood (bootstrap by document).
The same texts and tokenizer for all, so that perplexities can be compared.
"""

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from filelock import FileLock

from common import console, environments, files, models, stats
from common.errors import NotReady
from common.settings import settings as shared
from optimization.recipe import Language, digest

LONGEST = 512  # tokens of one document


def build(recipe: Language, precision: str) -> Path:
    """The folder of a precision, unless it is there."""
    source = models.path(recipe.model)
    read = [Path(__file__).with_name("language.py"), *sorted(source.glob("*.safetensors")), source / "config.json"]
    made_of = digest(precision, str(recipe.block), *map(files.sha256, read))
    target = shared().home / "optimization" / f"{recipe.name}-{precision}-{made_of}"
    with FileLock(f"{target}.lock"):
        if not target.exists():
            with files.new_folder(target) as made, console.console().status(f"building {recipe.model} at {precision}"):
                language("build", str(source), str(made / "model"), precision, str(recipe.block))
    return target / "model"


def language(*arguments: str) -> str:
    """Run `optimization.language` in the torch environment; its last line."""
    command = [str(environments.torch()), "-m", "optimization.language", *arguments]
    done = subprocess.run(command, cwd=environments.ROOT, capture_output=True, text=True)
    if done.returncode:
        raise NotReady(f"optimization.language failed: {done.stderr.strip()[-500:]}", "make setup-torch")
    return (done.stdout.strip().splitlines() or [""])[-1]


def texts(recipe: Language) -> list[list[int]]:
    """Token ids of the packs' documents, cut so that all together have about `recipe.tokens`."""
    from tokenizers import Tokenizer

    from domains.pack import load, names

    tokenizer: Any = Tokenizer.from_file(str(models.path(recipe.model) / "tokenizer.json"))
    documents = [d for name in names() for d in load(name).documents]
    each = min(LONGEST, max(32, recipe.tokens // len(documents)))
    return [e.ids[:each] for e in tokenizer.encode_batch([d.read_text() for d in documents]) if len(e.ids) > PARTS]


PARTS = 32  # tokens below which a document says little


def megabytes(folder: Path) -> float:
    """Of all files that are read."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6


def compare(recipe: Language) -> list[dict[str, Any]]:
    """A row a precision, the float32 checkpoint in PyTorch first."""
    variants = [("PyTorch float32", "pytorch", models.path(recipe.model))]
    variants += [(f"ONNX {p}", "genai", build(recipe, p)) for p in recipe.precisions]
    documents, rows = texts(recipe), []
    baseline: list[Any] = []
    with TemporaryDirectory() as folder, console.progress("measuring", 2 * len(variants)) as advance:
        task = files.write_json(Path(folder) / "task.json", {"texts": documents, "decode": recipe.decode})
        for name, runtime, place in variants:
            found = {}
            for threads in (1, 2):
                score = ["--score"] if threads == 2 else []
                found[threads] = json.loads(
                    language("measure", runtime, str(place), str(task), "--threads", str(threads), *score)
                )
                advance(1)
            scores = [np.array(s) for s in found[2]["scores"]]
            baseline = baseline or scores
            rows.append(row(name, megabytes(place), scores, baseline, found))
    console.table(
        f"{recipe.title}: {sum(map(len, baseline))} tokens of {len(documents)} documents",
        list(rows[0]),
        [list(r.values()) for r in rows],
    )
    return rows


def row(
    name: str, size: float, scores: list[Any], baseline: list[Any], found: dict[int, dict[str, Any]]
) -> dict[str, Any]:
    """One line: perplexity and its ratio to the baseline's on the same tokens, by document."""
    document = np.repeat(np.arange(len(scores)), [len(s) for s in scores])
    own, theirs = np.concatenate(scores), np.concatenate(baseline)
    perplexity = stats.bootstrap(lambda s: float(np.exp(-s.mean())), own, clusters=document)
    ratio = stats.bootstrap(lambda a, b: float(np.exp((b - a).mean())), own, theirs, clusters=document)
    return {
        "variant": name, "MB": round(size), "perplexity": str(perplexity), "times PyTorch's": str(ratio),
        "tokens/s": round(float(np.median(found[1]["tokens_per_second"])), 1), "tokens/s, 2 threads": round(float(np.median(found[2]["tokens_per_second"])), 1),
        "first token s": round(float(np.median(found[2]["first_token"])), 3), "peak MB": round(found[2]["peak"]),
    }  # fmt: skip
