"""Check a pack's table against the columns that `pack.toml` declares, with pandera."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from common import files
from common.errors import BadInput
from domains.champion import LEAST
from domains.finding import Finding
from domains.forms import Column
from domains.pack import Pack
from domains.periods import day_after, held_out

if TYPE_CHECKING:
    import pandas as pd


def check_records(pack: Pack, at: Callable[[str], int]) -> Iterator[Finding]:
    """The table: its bytes, its rows, its columns, its target, its days. `at`: pattern -> line of pack.toml."""
    r, toml = pack.config.records, "pack.toml"
    try:
        table = pack.records()
    except BadInput as error:
        yield Finding(r.file, 0, error.message, error.mend)
        return
    digest = files.sha256(pack.folder / r.file)
    time = table[r.time]
    if time.dt.tz is not None:
        yield Finding(
            r.file, 0, f"{r.time} has a time zone", "store local time without one: windows are calendar windows"
        )
        return
    if time.isna().any():
        yield Finding(r.file, 0, f"{int(time.isna().sum())} rows have no {r.time}", "drop the rows, or fill it in")
        return
    if digest != r.sha256:
        yield Finding(
            r.file, 0, "its sha256 is not the one in pack.toml", f'if the change is meant: records.sha256 = "{digest}"'
        )
    if len(table) != r.rows:
        yield Finding(
            toml,
            at(r"^rows"),
            f"{r.file} has {len(table)} rows, pack.toml says {r.rows}",
            f"records.rows = {len(table)}",
        )
    if r.target not in table:
        yield Finding(toml, at(r"^target"), f"no column {r.target}", "correct the name, or add the column")
    elif set(table[r.target].dropna().unique()) - {0, 1}:
        yield Finding(r.file, 0, f"target {r.target} holds more than 0 and 1", "code the outcome as 0 or 1")
    else:
        yield from periods(pack, table.dropna(subset=[r.target]), at)
    for name in [c for c in r.columns if c not in table]:
        yield Finding(toml, at(line_of(name)), f"no column {name}", "correct the name in pack.toml, or add the column")
    here = {name: c for name, c in r.columns.items() if name in table}
    for name in [n for n in here if table[n].isna().all()]:
        yield Finding(toml, at(line_of(name)), f"column {name} is empty", "drop it from pack.toml")
        here.pop(name)
    yield from values(table, here, r.file)
    for name, c in here.items():
        share = float(table[name].isna().mean())
        if share > c.missing:
            yield Finding(
                toml, at(line_of(name)), f"{share:.1%} of {name} is missing, {c.missing:.1%} is in order",
                f"mend the data, or raise records.columns.{name}.missing",
            )  # fmt: skip


def line_of(name: str) -> str:
    """Pattern of the line of pack.toml that declares a column."""
    return rf'^"?{re.escape(name)}"? *='


def periods(pack: Pack, labelled: "pd.DataFrame", at: Callable[[str], int]) -> Iterator[Finding]:
    """Enough rows of both classes to train on, to compare with and to watch."""
    r, c, m = pack.config.records, pack.config.champion, pack.config.monitor
    time = labelled[r.time]
    held = held_out(pack, time)
    inside = (time >= c.train_from) & (time < day_after(c.train_until)) & ~held
    for name, rows, least, key in (
        ("training period", labelled[inside], LEAST, "^train_from"),
        ("reference", labelled[held], m.min_rows, "^reference"),
        ("time after training", labelled[time >= m.start], m.min_rows, "^from"),
    ):
        if len(rows) < least:
            yield Finding(
                "pack.toml", at(key), f"the {name} has {len(rows)} labelled rows, {least} are needed", "widen the dates"
            )
        elif rows[r.target].nunique() < 2:
            yield Finding("pack.toml", at(key), f"the {name} has one outcome only", "widen the dates until both occur")


def values(table: "pd.DataFrame", columns: dict[str, Column], file: str) -> Iterator[Finding]:
    """Ranges, categories and types. One finding a column, with the first row that is wrong and how many there are."""
    import pandera.pandas as pa
    from pandera.errors import SchemaErrors

    schema = pa.DataFrameSchema({name: column(c) for name, c in columns.items()})
    try:
        schema.validate(table, lazy=True)
    except SchemaErrors as errors:
        for name, wrong in errors.failure_cases.groupby("column", sort=False):
            first = wrong.iloc[0]
            row = 0 if first["index"] is None or first["index"] != first["index"] else int(first["index"]) + 1
            yield Finding(
                file, row, f"{name}: {first['failure_case']} fails {first['check']} ({len(wrong)} of {len(table)} rows)",
                f"mend the rows, or correct records.columns.{name} in pack.toml",
            )  # fmt: skip


def column(c: Column) -> Any:
    """A declared column as pandera's."""
    import pandera.pandas as pa

    if c.kind == "category":
        return pa.Column(str, pa.Check.isin(c.values) if c.values is not None else None, nullable=True, coerce=False)
    checks = [pa.Check.ge(c.low)] if c.low is not None else []
    checks += [pa.Check.le(c.high)] if c.high is not None else []
    return pa.Column("float32", checks, nullable=True, coerce=True)
