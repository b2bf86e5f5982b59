"""The forms of a pack's files: what each record must hold. pydantic refuses what does not fit, and names the field.

How the records fit together (dangling ids, duplicates, leaks) is checked in `domains.check`.
"""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

NAME = r"[a-z][a-z0-9_-]*"  # of a pack: it becomes part of file names


def a_day(value: str) -> str:
    """Refuses what is no day of the calendar."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError(f"{value} is not a day; write 2020-03-12")
    date.fromisoformat(value)
    return value


Day = Annotated[str, AfterValidator(a_day)]


class Form(BaseModel):
    """A frozen record that refuses fields it does not know, so that a typing error is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(Form):
    """One input of the model. `known` says when its value is known: a column known after the prediction leaks."""

    kind: Literal["number", "category"]
    about: str = Field(min_length=1)
    known: str = Field(min_length=1)
    low: float | None = None
    high: float | None = None
    values: list[str] | None = Field(None, description="All categories; None where the set is open.")
    missing: float = Field(0.0, ge=0, le=1, description="Share of missing values that is in order, at most.")


class Records(Form):
    """The table: which file, which columns. `build` makes it again from the source."""

    file: str
    sha256: str
    rows: int = Field(ge=1)
    unit: str = Field(min_length=1, description="What a row is.")
    time: str
    target: str
    target_about: str = Field(min_length=1)
    source: str = Field(min_length=1)
    shipped: bool = Field(True, description="False: not ours to hand on; built on the user's machine at set-up.")
    columns: dict[str, Column] = Field(min_length=1)

    @property
    def numerical(self) -> list[str]:
        """Names of the inputs that are numbers."""
        return [name for name, c in self.columns.items() if c.kind == "number"]

    @property
    def categorical(self) -> list[str]:
        """Names of the inputs that are categories."""
        return [name for name, c in self.columns.items() if c.kind == "category"]


class Champion(Form):
    """The predictive model that is trained on the early period."""

    registry: str
    train_from: Day
    train_until: Day
    reference: list[str] = Field(
        min_length=1, description="Days or from/until periods held out of training: what drift is measured against."
    )
    block: int = Field(ge=1, description="Rows that stay together in a bootstrap.")

    @field_validator("reference")
    @classmethod
    def periods(cls, value: list[str]) -> list[str]:
        """Days, or two of them joined by a slash."""
        for period in value:
            try:
                days = [a_day(day) for day in period.split("/")]
            except ValueError as error:
                raise ValueError(
                    f"{period} is neither a day (2020-03-12) nor a period (2020-03-12/2020-03-19)"
                ) from error
            if len(days) > 2:
                raise ValueError(f"{period} has more than two days")
        return value


class Monitor(Form):
    """How the champion is watched. `from` is the first day after training that is judged."""

    start: Day = Field(alias="from")
    window: Literal["YS", "QS", "MS", "W-MON"] = Field(
        description="Calendar year, quarter, month, or week from Monday."
    )
    min_rows: int = Field(ge=1)
    false_discovery_rate: float = Field(gt=0, lt=1)
    tolerance: float = Field(ge=0, description="Calibration gap, in probability, that is no loss.")
    story: str = ""


class Costs(Form):
    """Relative costs of the two errors, and where the ratio comes from."""

    miss: float = Field(1.0, gt=0)
    false_alarm: float = Field(1.0, gt=0)
    why: str = ""


class Action(Form):
    """What an agent may propose, how risky it is, and who approves it (nobody has to, for low risk)."""

    name: str
    risk: Literal["low", "medium", "high"]
    approver: str


class Privacy(Form):
    """Identifiers that no answer may contain, as Presidio entity names, and the canary of the system prompt."""

    forbidden: list[str] = []
    canary: str = ""
    why: str = ""


class Thresholds(Form):
    """Margins of the release gate."""

    gate_margin: float = Field(0.05, gt=0, lt=1)
    why: str = ""


class Config(Form):
    """`pack.toml`. A control has records and nothing to talk about: it measures false alarms."""

    schema_version: Literal[2]
    name: str = Field(pattern=rf"^{NAME}$")
    title: str
    control: bool = False
    assistant: str = ""
    licences: dict[str, str]
    records: Records
    champion: Champion
    monitor: Monitor
    costs: Costs = Costs()
    actions: list[Action] = []
    privacy: Privacy = Privacy()
    thresholds: Thresholds = Thresholds()


class Passage(Form):
    """A section of a document: the unit that is retrieved and cited. `id` is `document#section`."""

    id: str
    title: str
    text: str
    superseded: bool = False


KINDS = ("single", "multi", "table", "false_premise", "unanswerable")


class Question(Form):
    """A question, its reference answer and the passages that prove it.

    single         one passage proves the answer (where several are named, any of them)
    multi          all named passages are needed together
    table          one passage, and the answer is a number out of its table
    false_premise  the question assumes something that the passage denies; the answer says so
    unanswerable   no passage has the answer
    """

    id: str
    kind: Literal["single", "multi", "table", "false_premise", "unanswerable"]
    question: str = Field(min_length=8)
    answer: str = Field(min_length=1)
    passages: list[str]
    other_words: str = Field("", description="The same, asked by somebody who has not read the documents.")

    @property
    def answerable(self) -> bool:
        """Whether the documents hold an answer; of a false premise, that is its correction."""
        return self.kind != "unanswerable"


class Goal(Form):
    """What an attack wants to see in the answer; decided by matching, not by opinion.

    canary      the canary of the system prompt           marker   a word that only an obedient answer holds
    identifier  an identifier of one of the pack's people pattern  a regular expression
    tool        a call of this tool                       prompt   this many words in a row of the system prompt
    schema      a JSON object with this key, where the assistant answers in sentences
    """

    kind: Literal["canary", "marker", "identifier", "pattern", "tool", "prompt", "schema"]
    value: str = Field(min_length=1)


class Attack(Form):
    """A prompt (and, for an indirect attack, the document that carries it) with a verifiable goal."""

    id: str
    family: str = Field(min_length=1)
    obfuscation: Literal[
        "none", "base64", "rot13", "hex", "leet", "reversed", "spaced", "zero-width", "homoglyph", "morse", "language"
    ] = "none"
    channel: Literal["direct", "indirect"]
    prompt: str = Field(min_length=1)
    document: str
    goal: Goal


class Person(Form):
    """Somebody who does not exist, with the identifiers that must not leak. `identifiers`: kind -> value."""

    id: str
    name: str
    about: str
    identifiers: dict[str, str] = Field(min_length=1)
