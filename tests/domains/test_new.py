"""A stamped pack: `check` lists what is to fill in; filled in, it is in order and can be searched."""

import json

import numpy as np
import pandas as pd
import pytest

from common import files
from common.errors import BadInput
from domains.check import check_path
from domains.new import stamp
from domains.pack import load
from tests.conftest import run_cli


def fill(folder) -> None:
    """What a user does: a table, and every TODO."""
    days = pd.date_range("2024-01-01", "2025-03-31", freq="h")
    random = np.random.default_rng(0)
    table = pd.DataFrame({"time": days, "input": random.normal(size=len(days)).astype("float32")})
    table["target"] = (table.input + random.normal(size=len(days)) > 1).astype("int8")
    table.to_parquet(folder / "records.parquet")
    toml = folder / "pack.toml"
    text = toml.read_text().replace('sha256 = "TODO"', f'sha256 = "{files.sha256(folder / "records.parquet")}"')
    text = text.replace("rows = 1 ", f"rows = {len(table)} ").replace("rows = 1\n", f"rows = {len(table)}\n")
    toml.write_text(text.replace("  `python -m", " `python -m").replace("TODO", "mine"))
    for file in [folder / "runbook.md", *(folder / "documents").glob("*.md")]:
        file.write_text(file.read_text().replace("TODO", "mine"))


def test_check_lists_what_is_to_fill_in_with_its_line(tmp_path) -> None:
    written = stamp(tmp_path / "my-pack")
    assert "pack.toml" in written and "documents/first-policy.md" in written
    found = check_path(str(tmp_path / "my-pack"))
    todo = [f for f in found if "still to fill in" in f.problem]
    assert len(todo) >= 10 and all(f.line for f in todo) and {f.file for f in todo} >= {"pack.toml"}
    assert any("records.parquet is missing" in f.problem for f in found)


def test_filled_in_it_is_in_order(tmp_path) -> None:
    stamp(tmp_path / "my-pack")
    fill(tmp_path / "my-pack")
    assert list(map(str, check_path(str(tmp_path / "my-pack")))) == []
    pack = load(str(tmp_path / "my-pack"))
    assert pack.name == "my-pack" and pack.canary.startswith("MYPA-")


def test_two_packs_get_two_canaries(tmp_path) -> None:
    stamp(tmp_path / "one")
    stamp(tmp_path / "two")
    assert load(str(tmp_path / "one")).canary != load(str(tmp_path / "two")).canary


def test_an_existing_folder_and_a_bad_name_are_refused(tmp_path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(BadInput, match="exists"):
        stamp(tmp_path / "mine")
    with pytest.raises(BadInput, match="no name"):
        stamp(tmp_path / "My Pack")
    assert not (tmp_path / "My Pack").exists()


def test_the_command_says_what_to_do_next(tmp_path) -> None:
    done = run_cli("domains", "new", str(tmp_path / "mine"), "--json")
    assert done.returncode == 0 and "next: python -m domains check" in done.stderr
    assert json.loads(done.stdout)["folder"].endswith("mine")
    assert run_cli("domains", "check", str(tmp_path / "mine")).returncode == 2
