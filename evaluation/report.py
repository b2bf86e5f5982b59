"""The report page of a suite: worst cases first, each with prompt, passages, answer, what nothing supports, and the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common import files
from common.contracts import Estimate
from evaluation.claims import Span


@dataclass(frozen=True)
class Shown:
    """One case as a person reads it. confidence: P(grounded) or another number behind the verdict; None for exact checks."""

    id: str
    title: str
    prompt: str
    answer: str
    passed: bool
    reasons: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    marks: tuple[Span, ...] = ()
    confidence: float | None = None

    @property
    def pieces(self) -> list[tuple[str, bool]]:
        """The answer cut where a mark begins or ends: (text, marked)."""
        found, at = [], 0
        for mark in sorted(self.marks, key=lambda m: m.start):
            if mark.start < at:
                continue
            found += [(self.answer[at : mark.start], False), (self.answer[mark.start : mark.end], True)]
            at = mark.end
        return [(text, marked) for text, marked in [*found, (self.answer[at:], False)] if text]


@dataclass(frozen=True)
class Report:
    """A suite's result: rates with intervals, what is advisory and why, and the cases."""

    suite: str
    domain: str
    model: str
    rates: dict[str, Estimate]
    cases: Sequence[Shown]
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def worst_first(self) -> list[Shown]:
        """Failures first, the least confident of each first."""
        return sorted(self.cases, key=lambda c: (c.passed, 1.0 if c.confidence is None else c.confidence, c.id))


def write(report: Report, path: Path) -> Path:
    """One HTML file that needs nothing else. Everything that a model said is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = FileSystemLoader(Path(__file__).with_name("templates"))
    page = Environment(loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return files.write_text(path, page.get_template("report.html").render(report=report))
