"""Make a pack's records again from their source: `python -m domains build NAME`.

The result must be what `pack.toml` says, byte for byte; a change on purpose is written down with `--accept`. A pack of
the user's own brings its table itself and needs no recipe.
"""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from common import console, files
from common.errors import BadInput, Refused
from domains import sources
from domains.pack import Pack, controls, load, names

if TYPE_CHECKING:
    import pandas as pd


def recipe(name: str) -> tuple[tuple[str, ...], "Callable[..., pd.DataFrame]"]:
    """(names of the raw tables, the function that derives the records from them). BadInput for a pack without one."""
    from domains._controls.portal import build as portal
    from domains._controls.storms import build as storms
    from domains.climate import build as climate
    from domains.finance import build as finance
    from domains.healthcare import build as healthcare

    known = {"finance": finance, "healthcare": healthcare, "climate": climate, "portal": portal, "storms": storms}
    if name not in known:
        raise BadInput(
            f"no recipe for {name}", f"one of {', '.join(known)}; your own pack brings its table, see domains/README.md"
        )
    return known[name].SOURCES, known[name].derive


def build(pack: Pack, accept: bool = False) -> dict[str, str | int]:
    """Derive, compare with `pack.toml`, put in place. Refused where the bytes differ and `accept` is not given."""
    wanted, derive = recipe(pack.name)
    table = derive(*(sources.table(name) for name in wanted))
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "records.parquet"
        table.to_parquet(made, index=False, compression="zstd", compression_level=19)
        digest, content = files.sha256(made), made.read_bytes()
    r, target = pack.config.records, pack.folder / pack.config.records.file
    if (digest, len(table)) != (r.sha256, r.rows):
        if not accept:
            raise Refused(
                f"{pack.name}: {len(table)} rows with sha256 {digest}, pack.toml says {r.rows} and {r.sha256}",
                f"if the change is meant: python -m domains build {pack.spec} --accept",
            )
        toml = pack.folder / "pack.toml"
        text = re.sub(r'^sha256 = ".*"', f'sha256 = "{digest}"', toml.read_text(), count=1, flags=re.MULTILINE)
        files.write_text(toml, re.sub(r"^rows = \d+", f"rows = {len(table)}", text, count=1, flags=re.MULTILINE))
    files.write_bytes(target, content)
    console.say(f"{pack.name}: {len(table)} rows, {len(content) / 1e6:.2f} MB, {target}")
    return {"rows": len(table), "bytes": len(content), "sha256": digest, "file": str(target)}


def missing() -> list[Pack]:
    """Packs of the kit whose records are not here: those that may not be shipped, before the set-up."""
    found = [load(name) for name in [*names(), *controls()]]
    return [pack for pack in found if not (pack.folder / pack.config.records.file).exists()]
