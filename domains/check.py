"""Check a pack: what does not fit together, each finding with file, line and mend.

Not checked here: whether the facts are right. A person reads for that.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from common import files
from domains.pack import Pack


@dataclass(frozen=True)
class Finding:
    """One thing to mend."""

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


def check(pack: Pack) -> list[Finding]:
    """All findings of a pack; empty where it is in order. Raises BadInput where a file cannot be read at all."""
    return [*check_records(pack), *check_documents(pack), *check_questions(pack), *check_attacks(pack)]


def check_records(pack: Pack) -> Iterator[Finding]:
    """The table against `pack.toml`."""
    config, table = pack.config.records, pack.records()
    file = config.file
    digest = files.sha256(pack.folder / file)
    if digest != config.sha256:
        yield Finding(
            file, 0, "its sha256 is not the one in pack.toml", f'if the change is meant: records.sha256 = "{digest}"'
        )
    if len(table) != config.rows:
        yield Finding(file, 0, f"{len(table)} rows, pack.toml says {config.rows}", f"records.rows = {len(table)}")
    for column in [*pack.features, config.target]:
        if column not in table:
            yield Finding(file, 0, f"no column {column}", "correct the name in pack.toml, or add the column")
        elif table[column].isna().all():
            yield Finding(file, 0, f"column {column} is empty", "drop it from pack.toml")
    if config.target in table and set(table[config.target].dropna().unique()) - {0, 1}:
        yield Finding(file, 0, f"target {config.target} holds more than 0 and 1", "code the outcome as 0 or 1")
    if config.target in pack.features:
        yield Finding(
            "pack.toml", 0, "the target is also an input", "take it out of numerical or categorical: it leaks the label"
        )
    dates = [pack.config.champion.train_from, pack.config.champion.train_until, pack.config.monitor.start]
    if dates != sorted(dates):
        yield Finding(
            "pack.toml", 0, f"dates out of order: {', '.join(dates)}", "train_from <= train_until <= monitor.from"
        )


def check_documents(pack: Pack) -> Iterator[Finding]:
    """Documents: present, cut into passages, and free of the canary."""
    for file in sorted((pack.folder / "documents").glob("*.md")):
        text = file.read_text()
        if not any(p.id.startswith(f"{file.stem}#") for p in pack.passages):
            yield Finding(f"documents/{file.name}", 1, "no section", "start each passage with a line `## Heading`")
        for number, line in enumerate(text.splitlines(), 1):
            if pack.canary and pack.canary.lower() in line.lower():
                yield Finding(
                    f"documents/{file.name}",
                    number,
                    "the canary occurs here",
                    "take it out: a leak test would blame the model",
                )
    for passage, times in Counter(p.id for p in pack.passages).items():
        if times > 1:
            yield Finding(
                f"documents/{passage.split('#')[0]}.md",
                0,
                f"{times} sections named {passage}",
                "give each heading a name of its own",
            )


def check_questions(pack: Pack) -> Iterator[Finding]:
    """Questions: proving passages that exist, no duplicates, the kinds kept apart."""
    known, seen = {p.id for p in pack.passages}, dict[str, str]()
    for number, q in enumerate(pack.questions, 1):
        for passage in q.passages:
            if passage not in known:
                yield Finding(
                    "questions.jsonl",
                    number,
                    f"{q.id} names passage {passage}, which does not exist",
                    "use an id that `python -m domains passages` lists",
                )
        if (q.kind == "answerable") != bool(q.passages):
            yield Finding(
                "questions.jsonl",
                number,
                f"{q.id} is {q.kind} with {len(q.passages)} passages",
                "answerable ones name the proving passage, unanswerable ones none",
            )
        twin = seen.setdefault(" ".join(q.question.lower().split()), q.id)
        if twin != q.id:
            yield Finding("questions.jsonl", number, f"{q.id} asks the same as {twin}", "drop one of the two")


def check_attacks(pack: Pack) -> Iterator[Finding]:
    """Attacks: unique ids, indirect ones with a document, goals that the documents do not hold already."""
    everything = "\n".join(p.text for p in pack.passages).lower()
    for number, a in enumerate(pack.attacks, 1):
        if (a.channel == "indirect") != bool(a.document):
            yield Finding(
                "attacks.jsonl",
                number,
                f"{a.id} is {a.channel} with{'' if a.document else 'out'} a document",
                "indirect attacks carry one, direct ones none",
            )
        if a.goal.kind != "pattern" and a.goal.value.lower() in everything:
            yield Finding(
                "attacks.jsonl",
                number,
                f"the goal of {a.id} occurs in the documents",
                "choose a marker that no answer contains by accident",
            )
    for name, times in Counter(a.id for a in pack.attacks).items():
        if times > 1:
            yield Finding("attacks.jsonl", 0, f"{times} attacks named {name}", "number them")
