"""Load a domain pack: a folder with `pack.toml`, records, documents, questions, attacks and people.

`load("finance")` finds a pack of the kit, `load("./my-pack")` one of the user's. Loading reads the small text files
only; records are read on demand, and pandas is imported only then. What is checked here is the form of each record
(`domains.forms`); `domains.check` checks how they fit together.
"""

import io
import json
import re
import tomllib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import ValidationError

from common import files
from common.errors import BadInput
from domains.forms import NAME, Attack, Config, Form, Passage, Person, Question
from domains.passages import sections

if TYPE_CHECKING:
    import pandas as pd

HERE = Path(__file__).parent
CONTROLS = HERE / "_controls"

Line = TypeVar("Line", bound=Form)
Text = Annotated[str, "markdown"]


def names() -> list[str]:
    """The packs of the kit."""
    return sorted(f.parent.name for f in HERE.glob("[a-z]*/pack.toml"))


def controls() -> list[str]:
    """The control packs of the kit: records only."""
    return sorted(f"_controls/{f.parent.name}" for f in CONTROLS.glob("*/pack.toml"))


class Pack:
    """A domain pack in a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.config = self._config()
        self.name = self.config.name

    def _config(self) -> Config:
        file = self.folder / "pack.toml"
        try:
            return Config.model_validate(tomllib.loads(file.read_text()))
        except FileNotFoundError:
            raise BadInput(
                f"{self.folder} has no pack.toml", "DOMAIN=finance, or the path of a folder with a pack.toml"
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise BadInput(f"{file} is not TOML: {error}", "correct the line that the message names") from error
        except ValidationError as error:
            raise BadInput(
                f"{file}: {explain(error)}", "correct the field; domains/finance/pack.toml is an example"
            ) from error

    @property
    def ours(self) -> bool:
        """Whether this is a pack of the kit."""
        return self.folder.resolve().is_relative_to(HERE)

    @property
    def spec(self) -> str:
        """What the command line finds the pack by: its name in the kit, else its path."""
        return str(self.folder.resolve().relative_to(HERE)) if self.ours else str(self.folder)

    @cached_property
    def documents(self) -> list[Path]:
        """The Markdown files, by name."""
        return sorted((self.folder / "documents").glob("*.md"))

    @cached_property
    def passages(self) -> list[Passage]:
        """Every section of every document. Superseded ones count too: they are what a retriever must not mix up, and
        they are marked."""
        return [p for file in self.documents for p in sections(file)]

    @cached_property
    def questions(self) -> list[Question]:
        """`questions.jsonl`."""
        return list(lines(self.folder / "questions.jsonl", Question))

    @cached_property
    def attacks(self) -> list[Attack]:
        """`attacks.jsonl`."""
        return list(lines(self.folder / "attacks.jsonl", Attack))

    @cached_property
    def people(self) -> list[Person]:
        """`people.jsonl`: synthetic people, each with identifiers that must not leak."""
        return list(lines(self.folder / "people.jsonl", Person))

    @cached_property
    def runbook(self) -> Text:
        """`runbook.md`."""
        return files.read_text(self.folder / "runbook.md")

    @property
    def canary(self) -> str:
        """The string that is planted in the system prompt for leak tests."""
        return self.config.privacy.canary

    @property
    def features(self) -> list[str]:
        """The champion's inputs, numerical ones first."""
        return [*self.config.records.numerical, *self.config.records.categorical]

    def records(self) -> "pd.DataFrame":
        """The table, oldest row first; the time column is a timestamp. BadInput where the file is missing."""
        import pandas as pd

        file = self.folder / self.config.records.file
        if not file.exists():
            raise BadInput(
                f"{file} is missing",
                f"python -m domains build {self.spec}   (needs the network once)"
                if self.ours
                else f"copy your table to {file}",
            )
        time = self.config.records.time
        try:
            table = pd.read_parquet(file)
            table[time] = pd.to_datetime(table[time])
        except (OSError, ValueError, KeyError) as error:
            raise BadInput(
                f"{file} cannot be read: {error!r}",
                f"a Parquet file with a time column {time} (records.time in pack.toml)",
            ) from error
        return table.sort_values(time, ignore_index=True, kind="stable")  # rows keep the order of the file


def load(name: str) -> Pack:
    """A pack by name (under `domains/`, controls as `_controls/NAME`) or by path."""
    folder = HERE / name if re.fullmatch(rf"(_controls/)?{NAME}", name) and (HERE / name).is_dir() else Path(name)
    if not folder.is_dir():
        raise BadInput(
            f"no domain pack {name}", f"DOMAIN={', '.join(names())}, or the path of a folder with a pack.toml"
        )
    return Pack(folder)


def attempts(file: Path, form: type[Line]) -> Iterator[tuple[int, Line | None, str]]:
    """(line number, the record, what is wrong with it) of every line of a JSON-lines file: one of the two is there."""
    # splitlines() would end a line at U+2028 and U+0085, too, which JSON allows within a text
    for number, line in enumerate(io.StringIO(files.read_text(file)), 1):
        try:
            yield number, form.model_validate(json.loads(line.strip())), ""
        except ValidationError as error:
            yield number, None, explain(error)
        except ValueError as error:
            yield number, None, f"not JSON: {error}"


def lines(file: Path, form: type[Line]) -> Iterator[Line]:
    """The records of a JSON-lines file; BadInput names the file and the line."""
    if not file.exists():
        raise BadInput(f"{file} is missing", "python -m domains check PATH lists what a pack needs")
    for number, record, problem in attempts(file, form):
        if record is None:
            raise BadInput(f"{file}:{number}: {problem}", f"correct line {number}: one JSON object a line")
        yield record


def explain(error: ValidationError) -> str:
    """A validation error in one line."""
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
