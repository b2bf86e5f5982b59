"""The labelled texts of a recipe, split and without duplicates: text, label (int), source, group."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common import console
from common.errors import BadInput
from optimization import prompts, traffic
from optimization.recipe import Text

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "validation", "test")
SHARES = (0.7, 0.15, 0.15)
LEAST = 50  # rows of a test split on which an interval says anything


def load(recipe: Text, seed: int) -> tuple[dict[str, "pd.DataFrame"], list[str]]:
    """(split -> rows, the labels' names in the order of their numbers)."""
    import pandas as pd

    if recipe.data.source == "prompts":
        splits, labels = prompts.load(), ["benign", "injection"]
        if recipe.data.leave_out:
            sources = sorted(set(splits["train"]["source"]))
            if recipe.data.leave_out not in sources:
                raise BadInput(f"no source {recipe.data.leave_out}", f"data.leave_out is one of {', '.join(sources)}")
            for split in ("train", "validation"):
                rows = splits[split]
                splits[split] = rows[rows["source"] != recipe.data.leave_out].reset_index(drop=True)
    else:
        splits, labels = own(recipe, seed)
    splits["train"] = prompts.sample(splits["train"], recipe.data.rows, seed)
    if recipe.data.traffic:
        benign = pd.DataFrame({"text": traffic.to_train(), "label": 0, "source": "packs"})
        splits["train"] = pd.concat([splits["train"], benign], ignore_index=True)
    if recipe.flagging and recipe.flagging.positive not in labels:
        raise BadInput(f"no label {recipe.flagging.positive}", f"flagging.positive is one of {', '.join(labels)}")
    if recipe.flagging:
        check_both(splits, labels.index(recipe.flagging.positive))
    return {name: rows.assign(group=rows.get("group", rows.index)) for name, rows in splits.items()}, labels


def check_both(splits: dict[str, "pd.DataFrame"], positive: int) -> None:
    """BadInput where a split of a detector's has nothing to flag, or nothing but."""
    for name, rows in splits.items():
        if rows["label"].eq(positive).mean() in (0.0, 1.0):
            raise BadInput(
                f"split {name} has only texts of one kind", "both kinds in every split: a column `split`, or more rows"
            )


def reader(path: Path) -> "Callable[[Path], pd.DataFrame]":
    """What reads a file of this kind. BadInput where there is no such file, or it is of no kind that is read."""
    import pandas as pd

    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".csv": read_csv,
        ".parquet": pd.read_parquet,
        ".jsonl": lambda p: pd.read_json(p, lines=True),
    }
    mend = "--data FILE, a .csv, .parquet or .jsonl"
    if path.suffix not in readers:
        raise BadInput(f"{path} is not .csv, .parquet or .jsonl" if path.name else "no file of labelled texts", mend)
    if not path.is_file():
        raise BadInput(f"there is no file {path}", mend)
    return readers[path.suffix]


def read(path: Path) -> "pd.DataFrame":
    """A CSV, Parquet or JSON-lines file."""
    reads = reader(path)
    try:
        return reads(path)
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot read {path}: {error}", "--data FILE, whole and in UTF-8") from error


def read_csv(path: Path) -> "pd.DataFrame":
    """A CSV file; only empty cells are missing: "None" and "NA" are labels that people use."""
    import pandas as pd

    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def named(label: object) -> str:
    """A label's name; 1.0, which is what a whole number becomes beside an empty cell, is 1."""
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def own(recipe: Text, seed: int) -> tuple[dict[str, "pd.DataFrame"], list[str]]:
    """A file of the user's: its column `split` where it has one, else 70/15/15 by group. BadInput names what is wrong."""
    import pandas as pd

    d = recipe.data
    table = read(Path(d.source))
    for option, column in (("--text", d.text), ("--label", d.label), ("data.group", d.group or d.text)):
        if column not in table:
            raise BadInput(
                f"{d.source} has no column {column!r}", f"{option}, one of {', '.join(map(str, table.columns))}"
            )
    wanted = table.dropna(subset=[d.text, d.label])
    rows = pd.DataFrame({"text": wanted[d.text].astype(str), "name": wanted[d.label].map(named), "source": "own"})
    rows["key"] = [prompts.key(t) for t in rows["text"]]
    rows["group"] = wanted[d.group].astype(str) if d.group else rows["key"]
    if "split" in table:
        rows["split"] = wanted["split"]
    rows = rows.drop_duplicates("key").reset_index(drop=True)
    if len(rows) < len(table):
        empty, again = len(table) - len(wanted), len(wanted) - len(rows)
        console.say(f"{d.source}: {empty} rows without text or label and {again} duplicates are left out")
    labels = sorted(rows["name"].unique())
    if not 2 <= len(labels) <= 1000:
        raise BadInput(
            f"column {d.label!r} of {d.source} has {len(labels)} labels", "--label, a column of 2 to 1,000 classes"
        )
    rows["label"] = rows["name"].map({name: i for i, name in enumerate(labels)})
    if "split" not in table:
        groups = np.array(sorted(rows["group"].unique()))
        np.random.default_rng(seed).shuffle(groups)
        ends = (np.cumsum(SHARES) * len(groups)).astype(int)
        of = {g: SPLITS[min(int(np.searchsorted(ends, i, side="right")), 2)] for i, g in enumerate(groups)}
        rows["split"] = rows["group"].map(of)
    elif d.group and (rows.groupby("group")["split"].nunique() > 1).any():
        raise BadInput(f"{d.source}: a {d.group} stands in two splits", "keep the rows of one group in one split")
    columns = ["text", "label", "source", "key", "group"]
    splits = {split: rows[rows["split"] == split][columns].reset_index(drop=True) for split in SPLITS}
    short = {split: len(part) for split, part in splits.items() if len(part) < LEAST}
    if short:
        raise BadInput(
            f"{d.source}: too few rows after duplicates are dropped: {short}",
            f"at least {LEAST} rows in each of {', '.join(SPLITS)} (column `split`, or 334 rows in all)",
        )
    absent = set(range(len(labels))) - set(splits["train"]["label"])
    if absent:
        raise BadInput(f"label {labels[min(absent)]!r} has no training row", "more rows of it, or leave it out")
    return splits, labels
