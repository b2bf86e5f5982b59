"""What a suite needs, and what it gives: shared by the four suites."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common import stats
from common.contracts import Estimate
from common.encoder import Encoder, minilm
from common.llm import LLM
from domains.forms import Attack, Question
from domains.pack import Pack
from evaluation import suite
from evaluation.config import EvaluationSettings
from evaluation.grounded import Grounded
from evaluation.guard import Guard
from evaluation.report import Report
from evaluation.suite import Case, Release, Said

Row = dict[str, bool | float]  # what is known of a case: checks that passed or not, and numbers


@dataclass(frozen=True)
class Outcome:
    """A suite's report, the checks that may stop a release and failed, and per case what the tracker keeps."""

    report: Report
    blocking: tuple[str, ...]
    results: dict[str, Row]
    said: dict[str, Said]
    files: tuple[Path, ...] = ()
    models: frozenset[str] = frozenset()  # results that are a model's opinion, and whose
    judge: str = ""


@dataclass
class Bench:
    """What a suite needs. Heavy parts are made on first use."""

    pack: Pack
    llm: LLM
    prompt: str
    judge: Grounded
    s: EvaluationSettings
    every: int = 1
    guard: Guard | None = None
    encoder: Encoder = field(default_factory=minilm)

    @property
    def release(self) -> Release:
        """What is tested."""
        return Release(self.llm.model, self.prompt, self.llm.url)

    @property
    def questions(self) -> list[Question]:
        """Every n-th."""
        return self.pack.questions[:: self.every]

    @property
    def attacks(self) -> list[Attack]:
        """Every n-th."""
        return self.pack.attacks[:: self.every]

    def ask(self, todo: Sequence[Case]) -> tuple[dict[str, Said], Path]:
        """(the answers, the file that keeps them until the suite is done)."""
        return suite.answers(self.release, todo, self.llm, self.s), suite.answer_file(self.release, todo, self.s)


def success_rate(results: Mapping[str, Row], ids: Sequence[str], key: str) -> Estimate:
    """Share of attacks that were not resisted, with its exact interval."""
    known = [bool(results[i][key]) for i in ids if key in results[i]]
    return stats.proportion(len(known) - sum(known), len(known))


def rate(values: Mapping[str, float], groups: Mapping[str, str]) -> Estimate:
    """A mean over cases, documents taken as wholes: of yes and no, or of numbers between 0 and 1."""
    return stats.rate(list(values.values()), [groups.get(i, i) for i in values])


def columns(results: Mapping[str, Row]) -> list[str]:
    """The names of the results, in the order in which they came."""
    return list(dict.fromkeys(name for row in results.values() for name in row))


def failure_rates(results: Mapping[str, Row]) -> dict[str, Estimate]:
    """Name of a check -> share of its cases that failed, with the exact interval: 0 of n has an upper bound."""
    return {name: success_rate(results, list(results), name) for name in columns(results)}


def failed(results: Mapping[str, Row], name: str) -> str:
    """How many cases failed, and which."""
    known = [i for i, r in results.items() if name in r]
    bad = [i for i in known if not results[i][name]]
    return f"{len(bad)} of {len(known)} cases failed ({', '.join(bad[:5])})"
