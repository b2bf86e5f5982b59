"""The typed records in which rooms meet. Each has a version and a JSON schema (`common/schemas/`).

`python -m common.contracts` writes the schemas again; a test checks that they agree with these classes. A field may
be added with a default; anything else is a new version.
"""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_serializer, field_validator

from common import files
from common.errors import BadInput

SCHEMAS = Path(__file__).parent / "schemas"
ID = r"[A-Za-z0-9][A-Za-z0-9._-]*"  # of an alert, and so of an incident: it becomes a file's name


def now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


class Record(BaseModel):
    """A frozen record that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def save(self, path: Path) -> Path:
        """Write as JSON, all or nothing."""
        return files.write_text(path, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def load(cls, path: Path, mend: str) -> Self:
        """Read from JSON; `BadInput` ends with `mend`."""
        try:
            return cls.model_validate(files.read_json(path, mend))
        except ValidationError as error:
            raise BadInput(f"{path} is not a valid {cls.__name__}: {error}", mend) from error


class Estimate(Record):
    """A number with its 95 % interval and the number of cases behind it."""

    value: float
    low: float
    high: float
    n: int = Field(ge=0)

    # what is not known is NaN, which JSON cannot say: a file has null in its place
    @field_validator("value", "low", "high", mode="before")
    @classmethod
    def _from_null(cls, number: Any) -> Any:
        return math.nan if number is None else number

    @field_serializer("value", "low", "high", when_used="json")
    def _to_null(self, number: float) -> float | None:
        return number if math.isfinite(number) else None

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def beyond(self, tolerance: float) -> bool:
        """Whether the whole interval lies more than `tolerance` from zero, on one side; never where it is not known."""
        return self.low > tolerance or self.high < -tolerance


class Alert(Record):
    """A monitor's call for action: what drifted, what it cost, and where the evidence lies."""

    schema_version: Literal[1] = 1
    id: str = Field(pattern=rf"^{ID}$", description="Unique; the same evidence gives the same id. A file name.")
    domain: str
    model: str = Field(description="Registered model name in MLflow.")
    model_version: str
    window: str = Field(description="Label of the current window.")
    window_start: str
    window_end: str
    rows: int = Field(ge=1)
    verdict: Literal["watch", "investigate_labels", "retrain"]
    drifted: dict[str, float] = Field(description="Column -> adjusted p-value, the columns below the level only.")
    metric: str = Field(description="Name of the performance metric; larger is worse.")
    reference: Estimate
    current: Estimate
    run_id: str = Field(description="MLflow run of the window.")
    raised_at: datetime = Field(default_factory=now)


class Comparison(Record):
    """One metric of the candidate against the baseline on the same cases."""

    metric: str
    baseline: Estimate
    candidate: Estimate
    difference: Estimate = Field(description="Candidate minus baseline, paired.")
    p_value: float = Field(
        ge=0, le=1, description="One-sided: the candidate is worse. Holm-corrected over the metrics of its role."
    )
    detectable: float | None = Field(
        description="Smallest drop seen with 80 % power at this sample size; null where even the largest is not."
    )
    role: Literal["gated", "advisory"]
    passed: bool


class GateDecision(Record):
    """The verdict on a release candidate. Only gated metrics and zero-tolerance classes can block; "advisory" passes, and
    says that a judge which may not block saw harm, or what could not have been seen."""

    schema_version: Literal[2] = 2
    id: str = Field(min_length=1)
    domain: str
    candidate: str
    baseline: str
    verdict: Literal["pass", "block", "advisory"]
    reasons: list[str]
    comparisons: list[Comparison]
    zero_tolerance: dict[str, Estimate] = Field(
        description="Class -> failure rate of the candidate with its upper bound."
    )
    advisory: list[str] = Field(description="Judges that may not block, and why.")
    run_id: str
    decided_at: datetime = Field(default_factory=now)


class BundledFile(Record):
    """One file of a bundle."""

    path: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class BundleManifest(Record):
    """What a bundle holds. It carries no time, so that the same inputs give the same bytes."""

    schema_version: Literal[2] = 2
    name: str
    version: str = Field(pattern=r"^(0|[1-9]\d{0,8})(\.(0|[1-9]\d{0,8})){2}$")
    python: str
    platform: str
    labels: list[str]
    threshold: float | None = Field(description="A detector's: the score at and above which a text is flagged.")
    quality: dict[str, Estimate]
    licences: dict[str, str]
    files: list[BundledFile]


CONTRACTS: tuple[type[Record], ...] = (Alert, GateDecision, BundleManifest)


def write_schemas(folder: Path = SCHEMAS) -> None:
    """Write the JSON schema of every contract."""
    for contract in CONTRACTS:
        version = contract.model_fields["schema_version"].default
        files.write_json(folder / f"{contract.__name__}.v{version}.json", contract.model_json_schema())


if __name__ == "__main__":
    write_schemas()
