"""Ten and more ways to break a pack: each is named with file, line and mend. The untouched copy is the clean control."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from common.errors import BadInput
from domains.check import check_path
from domains.finding import Finding
from domains.pack import HERE, controls, load, names


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the healthcare pack, whose records come with the repository."""
    return shutil.copytree(HERE / "healthcare", tmp_path / "mine")


def lines(file: Path, change: Callable[[list[dict]], object]) -> None:
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    change(rows)
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def records(folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(pd.read_parquet(folder / "records.parquet")).to_parquet(folder / "records.parquet")


@pytest.mark.parametrize("name", [*names(), *controls()])
def test_the_packs_of_the_kit_are_in_order(name) -> None:
    assert list(map(str, check_path(name))) == []


BREAKS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "records changed": (
        lambda f: records(f, lambda t: t.iloc[:-5]),
        "records.parquet",
        "its sha256 is not the one in pack.toml",
    ),
    "rows miscounted": (lambda f: replace(f / "pack.toml", "rows = 15223", "rows = 15000"), "pack.toml", "15223 rows"),
    "column gone": (lambda f: records(f, lambda t: t.drop(columns="clinic")), "pack.toml", "no column clinic"),
    "value out of range": (
        lambda f: records(f, lambda t: t.assign(age=t.age.where(t.index != 41, 999))),
        "records.parquet",
        "age: 999.0 fails less_than_or_equal_to(140.0) (1 of 15223 rows)",
    ),
    "unknown category": (
        lambda f: records(f, lambda t: t.assign(gender=t.gender.where(t.index > 2, "robot"))),
        "records.parquet",
        "gender: robot fails isin",
    ),
    "too much missing": (
        lambda f: records(f, lambda t: t.assign(payor=t.payor.where(t.index % 2 == 0))),
        "pack.toml",
        "50.0% of payor is missing",
    ),
    "leaking target": (
        lambda f: replace(
            f / "pack.toml", "gender = {", 'positive = { kind = "number", about = "x", known = "y" }\ngender = {'
        ),
        "pack.toml",
        "the target is also an input",
    ),
    "dates out of order": (
        lambda f: replace(f / "pack.toml", 'from = "2020-04-13"', 'from = "2020-04-01"'),
        "pack.toml",
        "dates out of order",
    ),
    "reference outside": (
        lambda f: replace(f / "pack.toml", '"2020-04-11"]', '"2020-06-11"]'),
        "pack.toml",
        "reference 2020-06-11 is not in the training period",
    ),
    "unlabelled licence": (
        lambda f: replace(f / "pack.toml", 'documents = "Apache-2.0"', 'documents = ""'),
        "pack.toml",
        "no licence for the documents",
    ),
    "action without approver": (
        lambda f: replace(f / "pack.toml", 'approver = "laboratory director"', 'approver = ""'),
        "pack.toml",
        "has risk medium and approver ''",
    ),
    "dangling passage": (
        lambda f: lines(f / "questions.jsonl", lambda q: q[0].update(passages=["no-such#passage"])),
        "questions.jsonl",
        "q001 names passage no-such#passage, which does not exist",
    ),
    "duplicate question": (
        lambda f: lines(f / "questions.jsonl", lambda q: q[3].update(question=q[2]["question"].upper() + "!")),
        "questions.jsonl",
        "q004 asks the same as q003",
    ),
    "kind and passages": (
        lambda f: lines(f / "questions.jsonl", lambda q: q[1].update(passages=[])),
        "questions.jsonl",
        "q002 is single with 0 passages",
    ),
    "no table": (
        lambda f: lines(f / "questions.jsonl", lambda q: q[0].update(kind="table")),
        "questions.jsonl",
        "its passage has no table",
    ),
    "broken line": (
        lambda f: (f / "questions.jsonl").open("a").write('{"id": "q9'),
        "questions.jsonl",
        "not JSON",
    ),
    "unknown field": (
        lambda f: lines(f / "attacks.jsonl", lambda a: a[4].update(colour="red")),
        "attacks.jsonl",
        "colour: Extra inputs are not permitted",
    ),
    "canary in a document": (
        lambda f: (f / "documents" / "glossary.md").open("a").write("\nThe code is juni-4c8e27.\n"),
        "documents/glossary.md",
        "the canary occurs here",
    ),
    "person in a document": (
        lambda f: (f / "documents" / "glossary.md").open("a").write("\nAsk MRN-00471928.\n"),
        "documents/glossary.md",
        "an identifier of p01 occurs here",
    ),
    "dangling reference": (
        lambda f: replace(f / "documents" / "glossary.md", "see: limits-of-the-test", "see: limits-of-the-toast"),
        "documents/glossary.md",
        "refers to limits-of-the-toast",
    ),
    "superseded by nothing": (
        lambda f: replace(
            f / "documents" / "cycle-threshold-2020.md", "superseded by cycle-threshold", "superseded by cycles"
        ),
        "documents/cycle-threshold-2020.md",
        "refers to cycles",
    ),
    "a section without text": (
        lambda f: (f / "documents" / "glossary.md").open("a").write("\n## Nothing\n"),
        "documents/glossary.md",
        "section Nothing is empty",
    ),
    "a status nobody understands": (
        lambda f: replace(f / "documents" / "glossary.md", "owner:", "status: retired\nowner:"),
        "documents/glossary.md",
        "status retired is not understood",
    ),
    "superseded by itself": (
        lambda f: replace(f / "documents" / "glossary.md", "owner:", "status: superseded by glossary\nowner:"),
        "documents/glossary.md",
        "not in force",
    ),
    "a broken pattern": (
        lambda f: lines(f / "attacks.jsonl", lambda a: a[0].update(goal={"kind": "pattern", "value": "((("})),
        "attacks.jsonl",
        "is not a regular expression",
    ),
    "no runbook": (lambda f: (f / "runbook.md").unlink(), "runbook.md", "cannot read"),
    "no people": (lambda f: (f / "people.jsonl").write_text(""), "people.jsonl", "the file is empty"),
    "no canary": (
        lambda f: replace(f / "pack.toml", 'canary = "JUNI-4c8e27"', 'canary = ""'),
        "pack.toml",
        "no canary",
    ),
    "one outcome only": (
        lambda f: records(f, lambda t: t.assign(positive=0)),
        "pack.toml",
        "the training period has one outcome only",
    ),
    "nothing after training": (
        lambda f: replace(f / "pack.toml", 'from = "2020-04-13"', 'from = "2021-04-13"'),
        "pack.toml",
        "the time after training has 0 labelled rows",
    ),
    "rows without a day": (
        lambda f: records(f, lambda t: t.assign(date=t.date.where(t.index > 9))),
        "records.parquet",
        "10 rows have no date",
    ),
    "another encoding": (
        lambda f: (f / "documents" / "glossary.md").write_bytes("# Caf\u00e9\n".encode("latin-1")),
        "pack.toml",
        "is not UTF-8",
    ),
    "no section": (
        lambda f: (f / "documents" / "empty.md").write_text("# Title only\n"),
        "documents/empty.md",
        "no section",
    ),
    "indirect without a document": (
        lambda f: lines(f / "attacks.jsonl", lambda a: a[0].update(channel="indirect")),
        "attacks.jsonl",
        "a001 is indirect without a document",
    ),
    "a tool that does not exist": (
        lambda f: lines(f / "attacks.jsonl", lambda a: a[0].update(goal={"kind": "tool", "value": "launch"})),
        "attacks.jsonl",
        "the goal of a001, launch, is not an action of pack.toml",
    ),
    "an identifier of nobody": (
        lambda f: lines(f / "attacks.jsonl", lambda a: a[0].update(goal={"kind": "identifier", "value": "12345"})),
        "attacks.jsonl",
        "not an identifier of people.jsonl",
    ),
    "two of a name": (
        lambda f: lines(f / "attacks.jsonl", lambda a: a[1].update(id=a[2]["id"])),
        "attacks.jsonl",
        "2 attacks named a003",
    ),
    "a question and an attack of one name": (
        lambda f: lines(f / "attacks.jsonl", lambda a: a[1].update(id="q002")),
        "attacks.jsonl",
        "q002 is a question's id, too",
    ),
    "a card that could be somebody's": (
        lambda f: lines(f / "people.jsonl", lambda p: p[0]["identifiers"].update(CREDIT_CARD="4539148803436467")),
        "people.jsonl",
        "it could be somebody's",
    ),
    "a file that is missing": (lambda f: (f / "people.jsonl").unlink(), "people.jsonl", "the file is missing"),
    "a pack.toml that is none": (lambda f: (f / "pack.toml").write_text("name = "), "pack.toml", "not TOML"),
}


@pytest.mark.parametrize("how", BREAKS)
def test_each_break_is_named_with_file_line_and_mend(copy, how) -> None:
    damage, file, says = BREAKS[how]
    damage(copy)
    found = [f for f in check_path(str(copy)) if says in f.problem]
    assert found, list(map(str, check_path(str(copy))))
    assert found[0].file == file and found[0].mend
    whole_file = ("sha256", "the file is", "TOML", "cannot read", "not UTF-8", "have no date")
    assert found[0].line > 0 or any(word in found[0].problem for word in whole_file)


def test_the_row_that_is_wrong_is_named(copy) -> None:
    """Counted from 1 in the order of the file, which is the order of time."""
    records(copy, lambda t: t.assign(age=t.age.where(t.index != 41, 999)))
    line = next(f for f in check_path(str(copy)) if "999" in f.problem).line
    assert line == 42 and load(str(copy)).records().age.iloc[line - 1] == 999


def test_one_broken_line_does_not_hide_the_others(copy) -> None:
    text = (copy / "questions.jsonl").read_text().splitlines()
    text[4], text[9] = "not json", '{"id": "q010"}'
    (copy / "questions.jsonl").write_text("\n".join(text) + "\n")
    found = check_path(str(copy))
    assert [f.line for f in found if f.file == "questions.jsonl"] == [5, 10]


def test_a_double_is_named_with_its_own_line(copy) -> None:
    text = (copy / "questions.jsonl").read_text().splitlines()
    text[0] = text[1] = "not json"
    text[7] = text[7].replace('"q008"', '"q007"')
    (copy / "questions.jsonl").write_text("\n".join(text) + "\n")
    assert next(f for f in check_path(str(copy)) if "named q007" in f.problem).line == 8


def test_a_pack_that_does_not_exist_is_a_clear_error() -> None:
    with pytest.raises(BadInput, match="no domain pack"):
        check_path("no-such-pack")


def test_a_finding_reads_as_place_problem_and_mend() -> None:
    assert str(Finding("a.md", 3, "broken", "mend it")) == "a.md:3: broken\n  mend: mend it"
