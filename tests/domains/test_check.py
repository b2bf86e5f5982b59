"""Every finding names its file and a mend; the untouched pack is the clean control."""

import json
import shutil

import pandas as pd
import pytest

from domains.check import check
from domains.pack import HERE, load


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(HERE / "finance", tmp_path / "mine")


def problems(folder) -> str:
    return "\n".join(map(str, check(load(str(folder)))))


def rewrite(file, change) -> None:
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    change(rows)
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))


def test_the_finance_pack_is_in_order(copy) -> None:
    assert problems(copy) == ""


def test_changed_records_are_seen(copy) -> None:
    table = pd.read_parquet(copy / "records.parquet")
    table.iloc[:-5].drop(columns="range_1d").to_parquet(copy / "records.parquet")
    found = problems(copy)
    assert "sha256" in found and "16351 rows" in found and "no column range_1d" in found


def test_a_leaking_target_and_dates_out_of_order_are_seen(copy) -> None:
    file = copy / "pack.toml"
    text = file.read_text().replace('categorical = ["weekday"]', 'categorical = ["weekday", "large_move"]')
    file.write_text(text.replace('from = "1987-01-01"', 'from = "1950-01-01"'))
    assert "leaks the label" in problems(copy) and "dates out of order" in problems(copy)


def test_questions_are_checked(copy) -> None:
    def change(rows) -> None:
        rows[0]["passages"] = ["no-such#passage"]
        rows[1]["passages"] = []
        rows[3]["question"] = rows[2]["question"].upper()

    rewrite(copy / "questions.jsonl", change)
    found = problems(copy)
    assert "questions.jsonl:1: q001 names passage no-such#passage" in found
    assert "questions.jsonl:2: q002 is answerable with 0 passages" in found
    assert "questions.jsonl:4: q004 asks the same as q003" in found
    assert found.count("mend:") == 3


def test_attacks_and_canaries_are_checked(copy) -> None:
    def change(rows) -> None:
        rows[0]["channel"] = "indirect"
        rows[1]["id"] = rows[2]["id"]

    rewrite(copy / "attacks.jsonl", change)
    document = copy / "documents" / "backtesting.md"
    document.write_text(document.read_text() + "\nThe code is cnry-7f3a91.\n")
    found = problems(copy)
    assert "a001 is indirect without a document" in found and "2 attacks named a003" in found
    assert "backtesting.md" in found and "the canary occurs here" in found


def test_a_document_without_sections_is_seen(copy) -> None:
    (copy / "documents" / "empty.md").write_text("# Title only\n")
    assert "documents/empty.md:1: no section" in problems(copy)
