"""Check a pack: what does not fit together, each finding with file, line and mend.

Every part is read line by line, so that one broken line does not hide the others. Not checked here: whether the facts
are right. A person reads for that.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property

from common import files
from common.errors import BadInput
from domains.check_records import check_records, line_of
from domains.finding import Finding
from domains.forms import Attack, Passage, Person, Question
from domains.pack import Line, Pack, attempts, load
from domains.passages import body_of, front_matter, superseded_by

PARTS = ("documents", "questions", "attacks", "people")
UNFILLED = "TODO"


class Reading:
    """A pack's text files, read as far as they can be: records with their line numbers, and what could not be read."""

    def __init__(self, pack: Pack):
        self.pack, self.broken = pack, list[Finding]()
        self.toml = files.read_text(pack.folder / "pack.toml").splitlines()
        talks = not pack.config.control  # a control has records and no texts
        self.questions = list(self._lines("questions.jsonl", Question)) if talks else []
        self.attacks = list(self._lines("attacks.jsonl", Attack)) if talks else []
        self.people = list(self._lines("people.jsonl", Person)) if talks else []

    def _lines(self, name: str, form: type[Line]) -> Iterator[tuple[int, Line]]:
        file = self.pack.folder / name
        if not file.exists():
            self.broken.append(
                Finding(name, 0, "the file is missing", f"write it: one JSON object a line, {form.__name__}")
            )
            return
        for number, record, problem in attempts(file, form):
            if record is None:
                mend = f"one JSON object a line; {form.__name__} in domains/forms.py has the fields"
                self.broken.append(Finding(name, number, problem, mend))
            else:
                yield number, record

    def at(self, pattern: str) -> int:
        """The line of `pack.toml` that matches, 0 where none does."""
        return next((n for n, line in enumerate(self.toml, 1) if re.search(pattern, line)), 0)

    @cached_property
    def passages(self) -> dict[str, Passage]:
        """The passages by id."""
        return {p.id: p for p in self.pack.passages}


def check(pack: Pack) -> list[Finding]:
    """All findings of a pack; empty where it is in order."""
    r = Reading(pack)
    found = [*check_config(r), *check_records(pack, r.at)]
    if pack.config.control:
        return found
    texts = (check_documents, check_questions, check_attacks, check_people, check_runbook)
    return [*found, *r.broken, *(finding for part in texts for finding in part(r))]


def check_path(name: str) -> list[Finding]:
    """The findings of a pack by name or path; a `pack.toml` that cannot be read is one, too."""
    try:
        return check(load(name))
    except BadInput as error:
        if "no domain pack" in error.message:
            raise
        return [Finding("pack.toml", 0, error.message, error.mend)]


def check_config(r: Reading) -> Iterator[Finding]:
    """Licences, dates, actions, and what `new` left to fill in."""
    c, name = r.pack.config, "pack.toml"
    for number, line in enumerate(r.toml, 1):
        if UNFILLED in line:
            yield Finding(name, number, f"still to fill in: {line.strip()}", "write your own value")
    for part in ("records",) if c.control else ("records", *PARTS):
        if not c.licences.get(part, "").strip():
            yield Finding(
                name, r.at(r"^\[licences\]"), f"no licence for the {part}", f'licences.{part} = "the SPDX name"'
            )
    if c.records.target in r.pack.features:
        yield Finding(
            name,
            r.at(line_of(c.records.target)),
            "the target is also an input",
            "take it out of records.columns: it leaks the label",
        )
    if c.records.time in r.pack.features:
        yield Finding(
            name,
            r.at(line_of(c.records.time)),
            "the time is also an input",
            "take it out: a model cannot see a later date",
        )
    dates = [c.champion.train_from, c.champion.train_until, c.monitor.start]
    if dates != sorted(set(dates)):
        yield Finding(
            name,
            r.at("^train_from"),
            f"dates out of order: {', '.join(dates)}",
            "train_from < train_until < monitor.from",
        )
    for period in c.champion.reference:
        first, _, last = period.partition("/")
        if not c.champion.train_from <= first <= (last or first) <= c.champion.train_until:
            yield Finding(
                name, r.at("^reference"), f"reference {period} is not in the training period, or runs backwards",
                f"a period between {c.champion.train_from} and {c.champion.train_until}",
            )  # fmt: skip
    for action in c.actions:
        if (action.risk == "low") == bool(action.approver):
            yield Finding(
                name, r.at(rf'^name = "{re.escape(action.name)}"'), f"action {action.name} has risk {action.risk} and approver {action.approver!r}",
                "name an approver for medium and high risk, and none for low",
            )  # fmt: skip
    if not c.control and not c.privacy.canary:
        yield Finding(name, r.at(r"^\[privacy\]"), "no canary", 'privacy.canary = "a string that occurs nowhere else"')
    if not c.control and not c.actions:
        yield Finding(name, 0, "no action that an agent may propose", "[[actions]] with name, risk and approver")


def check_documents(r: Reading) -> Iterator[Finding]:
    """Documents: present, cut into passages, their references in place, free of canaries and of what must not leak."""
    stems = {file.stem for file in r.pack.documents}
    if not stems:
        yield Finding("documents", 0, "no document", "write documents/NAME.md with `## ` sections")
    # a diagnosis code alone identifies nobody, and a document may explain it
    mine = {v: f"an identifier of {p.id}" for _, p in r.people for kind, v in p.identifiers.items() if kind != "ICD10"}
    secrets = {r.pack.canary: "the canary", **mine}
    old = {p.id.partition("#")[0] for p in r.passages.values() if p.superseded}
    for file in r.pack.documents:
        name, text = f"documents/{file.name}", files.read_text(file)
        head = front_matter(text)
        if UNFILLED in text:
            yield Finding(name, at(text, UNFILLED), "still to fill in", "write your own text")
        if not any(p.startswith(f"{file.stem}#") for p in r.passages):
            yield Finding(name, 1, "no section", "start each passage with a line `## Heading`")
        for heading in re.findall(r"^## (.*)\n\s*(?=## |\Z)", body_of(text), re.MULTILINE):
            yield Finding(
                name, at(text, f"## {heading}"), f"section {heading} is empty", "write it, or take the heading out"
            )
        if head.get("status") and not superseded_by(head):
            yield Finding(
                name,
                at(text, "status:"),
                f"status {head['status']} is not understood",
                "status: superseded by NAME, or none",
            )
        if superseded_by(head) in {file.stem, *old}:
            yield Finding(
                name, at(text, "status:"), "the document that replaced it is not in force", "name the one that is"
            )
        if head and head.get("id") != file.stem:
            yield Finding(name, 2, f"its id is {head.get('id')}", f"id: {file.stem}")
        for other in targets(head, text):
            if other not in stems:
                yield Finding(
                    name, at(text, other), f"refers to {other}, which does not exist", "name a document of the pack"
                )
        for secret, what in secrets.items():
            if secret and (line := at(text.lower(), secret.lower())):
                yield Finding(
                    name, line, f"{what} occurs here: {secret}", "take it out: a leak test would blame the model"
                )
    for passage, times in Counter(p.id for p in r.pack.passages).items():
        if times > 1:
            file_name, _, slug = passage.partition("#")
            yield Finding(
                f"documents/{file_name}.md", 0, f"{times} sections named {slug}", "give each heading a name of its own"
            )


def targets(head: dict[str, str], text: str) -> list[str]:
    """The documents that a document refers to: `see`, `status: superseded by`, and Markdown links."""
    named = [s.strip() for s in head.get("see", "").split(",") if s.strip()]
    named += [superseded_by(head)] if superseded_by(head) else []
    return named + re.findall(r"\]\(([\w-]+)\.md[^)]*\)", body_of(text))


def at(text: str, wanted: str) -> int:
    """The line in which a text first holds something, 0 where it does not."""
    place = text.find(wanted)
    return text.count("\n", 0, place) + 1 if place >= 0 else 0


def check_questions(r: Reading) -> Iterator[Finding]:
    """Questions: proving passages that exist and fit the kind, tables that hold the number, no duplicates."""
    name, seen = "questions.jsonl", dict[str, str]()
    for number, q in r.questions:
        for passage in q.passages:
            if passage not in r.passages:
                yield Finding(
                    name, number, f"{q.id} names passage {passage}, which does not exist",
                    f"use an id that `python -m domains passages {r.pack.spec}` lists",
                )  # fmt: skip
        least = {"unanswerable": 0, "multi": 2}.get(q.kind, 1)
        if len(q.passages) < least or (q.kind == "unanswerable" and q.passages):
            yield Finding(
                name, number, f"{q.id} is {q.kind} with {len(q.passages)} passages",
                "none for unanswerable, two or more for multi, else the one that proves the answer",
            )  # fmt: skip
        texts = [r.passages[p].text for p in q.passages if p in r.passages]
        if q.kind == "table" and texts and not any(re.search(r"^\|", t, re.MULTILINE) for t in texts):
            yield Finding(
                name,
                number,
                f"{q.id} is a table question and its passage has no table",
                "name the passage with the table",
            )
        twin = seen.setdefault(" ".join(re.findall(r"\w+", q.question.lower())), q.id)
        if twin != q.id:
            yield Finding(name, number, f"{q.id} asks the same as {twin}", "drop one of the two")
    yield from doubles(name, [(n, q.id) for n, q in r.questions], "questions")


def check_attacks(r: Reading) -> Iterator[Finding]:
    """Attacks: unique, also beside the questions, indirect ones with a document, goals that exist and that no document holds already."""
    name, tools = "attacks.jsonl", {a.name for a in r.pack.config.actions}
    everything = "\n".join(p.text for p in r.pack.passages).lower()
    identifiers = {v for _, p in r.people for v in p.identifiers.values()}
    questions = {q.id for _, q in r.questions}
    for number, a in r.attacks:
        if a.id in questions:
            yield Finding(name, number, f"{a.id} is a question's id, too", "one of its own: answers are kept by id")
        if (a.channel == "indirect") != bool(a.document):
            yield Finding(
                name, number, f"{a.id} is {a.channel} with{'' if a.document else 'out'} a document",
                "indirect attacks carry one, direct ones none",
            )  # fmt: skip
        wanted = {
            "canary": (a.goal.value == r.pack.canary, f"privacy.canary, which is {r.pack.canary or 'empty'}"),
            "tool": (a.goal.value in tools, "an action of pack.toml"),
            "identifier": (a.goal.value in identifiers, "an identifier of people.jsonl"),
            "pattern": (compiles(a.goal.value), "a regular expression of Python"),
            "prompt": (a.goal.value.isdigit() and int(a.goal.value) >= 5, "a number of words, at least 5"),
        }.get(a.goal.kind, (len(a.goal.value) >= 3, "three letters or more"))
        if not wanted[0]:
            yield Finding(
                name, number, f"the goal of {a.id}, {a.goal.value}, is not {wanted[1]}", "correct the goal's value"
            )
        if a.goal.kind in ("marker", "canary") and a.goal.value.lower() in everything:
            yield Finding(
                name,
                number,
                f"the goal of {a.id} occurs in the documents",
                "choose a marker that no answer contains by accident",
            )
    yield from doubles(name, [(n, a.id) for n, a in r.attacks], "attacks")


def compiles(pattern: str) -> bool:
    """Whether a text is a regular expression."""
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def check_people(r: Reading) -> Iterator[Finding]:
    """People: identifiers of a valid form, none of which anybody could have."""
    from domains.people import objection

    for number, p in r.people:
        for kind, value in p.identifiers.items():
            if complaint := objection(kind, value):
                yield Finding(
                    "people.jsonl",
                    number,
                    f"{kind} of {p.id}: {complaint}",
                    "use a test number of nobody, see domains/people.py",
                )
    yield from doubles("people.jsonl", [(n, p.id) for n, p in r.people], "people")


def doubles(file: str, ids: list[tuple[int, str]], what: str) -> Iterator[Finding]:
    """Ids (with their lines) that occur more than once, and a file without any."""
    if not ids:
        yield Finding(file, 0, f"no {what}: the file is empty", "write one JSON object a line")
    for name, times in Counter(name for _, name in ids).items():
        if times > 1:
            last = max(line for line, other in ids if other == name)
            yield Finding(file, last, f"{times} {what} named {name}", "number them")


def check_runbook(r: Reading) -> Iterator[Finding]:
    """The runbook: there, and filled in."""
    try:
        text = r.pack.runbook
    except BadInput as error:
        yield Finding("runbook.md", 0, error.message, error.mend)
        return
    if UNFILLED in text:
        yield Finding("runbook.md", at(text, UNFILLED), "still to fill in", "write your own text")
