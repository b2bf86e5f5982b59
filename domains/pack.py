"""Load a domain pack: a folder with `pack.toml`, records, documents, questions and attacks.

`load("finance")` finds a pack of the kit, `load("./my-pack")` one of the user's. Loading reads the small text files
only; records are read on demand. What is checked here is the form of each record (pydantic); `domains.check` checks
how they fit together.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from common.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

HERE = Path(__file__).parent
# Words in a passage, at most: the packaged encoder reads 256 tokens, about 190 English words, and drops the rest.
PIECE = 180


class Form(BaseModel):
    """A frozen record that refuses fields it does not know, so that a typing error is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Records(Form):
    """The table: which file, which columns."""

    file: str
    sha256: str
    rows: int
    time: str
    target: str
    numerical: list[str]
    categorical: list[str]
    source: str
    licence: str = Field(min_length=1)


class Champion(Form):
    """The predictive model that is trained on the early period."""

    registry: str
    train_from: str
    train_until: str
    reference_years: list[int]
    block: int = Field(ge=1, description="Rows that stay together in a bootstrap.")


class Monitor(Form):
    """How the champion is watched. `from` is the first day after training that is judged."""

    start: str = Field(alias="from")
    window: str = Field(description="pandas offset alias.")
    min_rows: int = Field(ge=1)
    false_discovery_rate: float = Field(gt=0, lt=1)
    tolerance: float = Field(ge=0, description="Calibration gap, in probability, that is no loss.")
    story: str


class Costs(Form):
    """Relative costs of the two errors."""

    miss: float = Field(gt=0)
    false_alarm: float = Field(gt=0)


class Action(Form):
    """What an agent may propose, how risky it is, and who approves it (nobody has to, for low risk)."""

    name: str
    risk: Literal["low", "medium", "high"]
    approver: str


class Privacy(Form):
    """Identifiers that no answer may contain, as Presidio entity names."""

    forbidden: list[str]


class Thresholds(Form):
    """Margins of the release gate."""

    gate_margin: float = Field(gt=0, lt=1)


class Config(Form):
    """`pack.toml`."""

    schema_version: Literal[1]
    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")  # it becomes part of file names
    title: str
    assistant: str
    records: Records
    champion: Champion
    monitor: Monitor
    costs: Costs
    actions: list[Action]
    privacy: Privacy
    thresholds: Thresholds


class Passage(Form):
    """A section of a document: the unit that is retrieved and cited. `id` is `document#section`."""

    id: str
    title: str
    text: str


class Question(Form):
    """A question, its reference answer and the passages that prove it (none, where it cannot be answered)."""

    id: str
    kind: Literal["answerable", "unanswerable"]
    question: str
    answer: str
    passages: list[str]


class Goal(Form):
    """What an attack wants to see in the answer; decided by matching, not by opinion."""

    kind: Literal["canary", "marker", "pattern", "identifier"]
    value: str = Field(min_length=3)


class Attack(Form):
    """A prompt (and, for an indirect attack, the document that carries it) with a verifiable goal."""

    id: str
    family: str
    channel: Literal["direct", "indirect"]
    prompt: str
    document: str
    goal: Goal


Line = TypeVar("Line", bound=Form)
Text = Annotated[str, "markdown"]


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

    @cached_property
    def passages(self) -> list[Passage]:
        """Every section of every document that is in force, in the order of their names. Superseded ones count too:
        they are what a retriever must not mix up, and their text says so."""
        return [p for file in sorted((self.folder / "documents").glob("*.md")) for p in sections(file)]

    @cached_property
    def questions(self) -> list[Question]:
        """`questions.jsonl`."""
        return list(lines(self.folder / "questions.jsonl", Question))

    @cached_property
    def attacks(self) -> list[Attack]:
        """`attacks.jsonl`."""
        return list(lines(self.folder / "attacks.jsonl", Attack))

    @cached_property
    def runbook(self) -> Text:
        """`runbook.md`."""
        return (self.folder / "runbook.md").read_text()

    @property
    def canary(self) -> str:
        """The string that is planted in the system prompt for leak tests; empty where no attack wants one."""
        return next((a.goal.value for a in self.attacks if a.goal.kind == "canary"), "")

    @property
    def features(self) -> list[str]:
        """The champion's inputs, numerical ones first."""
        return [*self.config.records.numerical, *self.config.records.categorical]

    def records(self) -> "pd.DataFrame":
        """The table, oldest row first; the time column is a timestamp. BadInput where the file is missing."""
        import pandas as pd

        file = self.folder / self.config.records.file
        if not file.exists():
            raise BadInput(f"{file} is missing", f"git checkout -- {file}   (or build it again, see the pack's README)")
        time = self.config.records.time
        try:
            table = pd.read_parquet(file)
            table[time] = pd.to_datetime(table[time])
        except (OSError, ValueError, KeyError) as error:
            raise BadInput(
                f"{file} cannot be read: {error!r}",
                f"a Parquet file with a time column {time} (records.time in pack.toml)",
            ) from error
        return table.sort_values(time, ignore_index=True)


def load(name: str) -> Pack:
    """A pack by name (under `domains/`) or by path."""
    folder = HERE / name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) and (HERE / name).is_dir() else Path(name)
    if not folder.is_dir():
        known = ", ".join(sorted(f.parent.name for f in HERE.glob("*/pack.toml")))
        raise BadInput(f"no domain pack {name}", f"DOMAIN={known}, or the path of a folder with a pack.toml")
    return Pack(folder)


def sections(file: Path) -> Iterator[Passage]:
    """A document's passages: the text under each `## ` heading, with the document's title; the whole of a document that
    has none. A section that is longer than an encoder reads is cut into pieces, `document#section.2` and so on."""
    text = file.read_text()
    body = text.split("---\n", 2)[-1] if text.startswith("---\n") else text  # front matter is for people
    title = next((line[2:].strip() for line in body.splitlines() if line.startswith("# ")), file.stem)
    blocks = re.split(r"^## ", body, flags=re.MULTILINE)
    if len(blocks) == 1:
        whole = re.sub(r"^# .*$", "", body, count=1, flags=re.MULTILINE)
        yield from pieces(f"{file.stem}#text", title, whole) if whole.strip() else ()
    for block in blocks[1:]:
        heading, _, text = block.partition("\n")
        slug = re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")
        yield from pieces(f"{file.stem}#{slug}", f"{title}: {heading.strip()}", text)


def pieces(name: str, title: str, text: str) -> Iterator[Passage]:
    """A text in passages of at most PIECE words: cut between paragraphs, else between
    sentences or lines. A piece begins with the last part of the one before where both fit, so that a reference finds
    what it refers to."""
    parts = [part for paragraph in re.split(r"\n\s*\n", text.strip()) for part in thoughts(paragraph)]
    made: list[list[str]] = [[]]
    for part in parts:
        if made[-1] and sum(len(p.split()) for p in made[-1]) + len(part.split()) > PIECE:
            last = made[-1][-1]
            made.append([last] if len(last.split()) + len(part.split()) <= PIECE else [])
        made[-1].append(part)
    if len(made) == 1:
        yield Passage(id=name, title=title, text=text.strip())
        return
    for number, piece in enumerate(made, 1):
        yield Passage(id=name if number == 1 else f"{name}.{number}", title=title, text="\n\n".join(piece))


def thoughts(paragraph: str) -> list[str]:
    """A paragraph whole, or its sentences, or the lines of a table, or, where nothing else is left, runs of words."""
    if len(paragraph.split()) <= PIECE // 2:
        return [paragraph]
    found = re.split(r"(?<=[.!?])\s+|\n", paragraph)
    words = [part.split() for part in found]
    return [" ".join(w[i : i + PIECE]) for w in words for i in range(0, len(w), PIECE)]


def lines(file: Path, form: type[Line]) -> Iterator[Line]:
    """The records of a JSON-lines file; BadInput names the file and the line."""
    if not file.exists():
        raise BadInput(f"{file} is missing", "python -m domains check PATH lists what a pack needs")
    for number, line in enumerate(file.read_text().splitlines(), 1):
        try:
            yield form.model_validate(json.loads(line))
        except ValidationError as error:
            raise BadInput(f"{file}:{number}: {explain(error)}", f"correct line {number}") from error
        except ValueError as error:
            raise BadInput(f"{file}:{number}: not JSON: {error}", f"write line {number} as one JSON object") from error


def explain(error: ValidationError) -> str:
    """A validation error in one line."""
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
