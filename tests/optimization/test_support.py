"""The judge of support: pairs in, a folder out; bad input is told, and a small network fits what it is shown."""

import json
import subprocess
import sys

import pandas as pd
import pytest

from common import environments
from common.errors import BadInput
from optimization import judge
from optimization.recipe import Support, load
from tests.conftest import run_cli

NAMES = ("Halden", "Bergen", "Tromso", "Oslo", "Vienna", "Basel")


def pairs(n: int = 240) -> pd.DataFrame:
    """A town is open, or another is said to be."""
    rows = []
    for i in range(n):
        town, other = NAMES[i % 6], NAMES[(i + 1 + i // 6 % 5) % 6]
        right = i % 2 == 0
        said = town if right or other == town else other
        claim = f"The office in {said} opened in {1950 + i % 60}."
        at = claim.index(said)
        spans = [] if said == town else [[at, at + len(said)]]
        rows.append(
            {
                "context": f"After the war the office in {town} opened in {1950 + i % 60}.",
                "claim": claim,
                "grounded": int(not spans),
                "spans": spans,
                "kind": "test",
                "group": str(i),
            }
        )
    return pd.DataFrame(rows)


def test_the_recipe_is_of_its_kind() -> None:
    recipe = load("judge")
    assert isinstance(recipe, Support) and recipe.form == "int8-int4"
    done = run_cli("optimization", "train", "judge")
    assert done.returncode == 2 and "it has support" in done.stderr


@pytest.mark.parametrize(
    ("columns", "said"), [(["claim"], "has no context, grounded, group, spans"), (None, "cannot read")]
)
def test_what_are_no_pairs_is_told(tmp_path, columns, said) -> None:
    file = tmp_path / "pairs.parquet"
    if columns is None:
        file.write_text("no parquet")
    else:
        pairs(4)[columns].to_parquet(file)
    with pytest.raises(BadInput, match=said) as told:
        judge.check(file)
    assert "python -m evaluation pairs" in told.value.mend
    done = run_cli("optimization", "support", "--data", str(file), "--out", str(tmp_path / "out"))
    assert done.returncode == 2 and not (tmp_path / "out").exists()


def test_a_folder_with_other_things_is_not_replaced(tmp_path) -> None:
    (tmp_path / "model.onnx").write_text("")
    judge.check_out(tmp_path)
    judge.check_out(tmp_path / "new")
    (tmp_path / "thesis.txt").write_text("")
    with pytest.raises(BadInput, match="would be lost"):
        judge.check_out(tmp_path)


@pytest.mark.slow
def test_a_small_judge_fits_what_it_is_shown_and_is_quantized(home, store, tmp_path) -> None:
    if not (store / "minilm-torch").exists() or not environments.python_of("torch").exists():
        pytest.skip("no torch environment: make setup-torch")
    recipe = tmp_path / "small.toml"
    recipe.write_text('kind = "support"\nname = "small"\ntitle = "small"\nmax_tokens = 48\nepochs = 6\nrate = 3e-4\n')
    pairs().to_parquet(tmp_path / "pairs.parquet")
    done = run_cli("optimization", "support", "--data", str(tmp_path / "pairs.parquet"), "--out", str(tmp_path / "out"), "--recipe", str(recipe), timeout=500)  # fmt: skip
    assert done.returncode == 0, done.stderr
    held = json.loads((tmp_path / "out" / "training.json").read_text())["held out"]
    assert held["auroc of claims"] > 0.9 and held["auroc of words"] > 0.9
    code = (
        "import sys; from pathlib import Path; from evaluation.local import Local; from evaluation.labelled import Claim\n"
        "j = Local(Path(sys.argv[1])); c = 'After the war the office in Oslo opened in 1960.'\n"
        "a, b = j.scores([Claim('The office in Oslo opened in 1960.', (c,)), Claim('The office in Basel opened in 1960.', (c,))])\n"
        "assert a > b, (a, b)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], check=True, cwd=environments.ROOT)
