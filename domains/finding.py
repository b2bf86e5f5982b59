"""What the checker found: one thing to mend, with its place."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Finding:
    """One thing to mend. `line` 0: the file as a whole."""

    file: str
    line: int
    problem: str
    mend: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.problem}\n  mend: {self.mend}"

    def as_dict(self) -> dict[str, str | int]:
        """For `--json`."""
        return asdict(self)
