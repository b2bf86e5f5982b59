import shutil
import subprocess
import sys

import pytest

from common.errors import BadInput
from domains.pack import HERE, load, sections


@pytest.fixture
def copy(tmp_path):
    """A copy of the finance pack that a test may break."""
    return shutil.copytree(HERE / "finance", tmp_path / "mine")


def test_the_finance_pack_has_what_the_rooms_need(finance) -> None:
    assert len(list((finance.folder / "documents").glob("*.md"))) == 20
    assert len(finance.questions) == 60
    assert sum(q.kind == "unanswerable" for q in finance.questions) == 15
    assert len(finance.attacks) == 40
    assert finance.canary and "retrain_and_promote" in {a.name for a in finance.config.actions}
    assert finance.runbook.startswith("# Runbook")


def test_a_pack_loads_by_path(copy) -> None:
    assert load(str(copy)).name == "finance"


def test_passages_are_sections_with_stable_ids(finance) -> None:
    ids = {p.id for p in finance.passages}
    assert "limit-framework#limits-by-desk" in ids and "var-methodology#definition-and-parameters" in ids
    assert all(p.text for p in finance.passages)


def test_a_document_without_front_matter_is_read_too(tmp_path) -> None:
    (tmp_path / "note.md").write_text("# Note\n\n## One\ntext\n")
    assert [(p.id, p.title, p.text) for p in sections(tmp_path / "note.md")] == [("note#one", "Note: One", "text")]


def test_loading_a_pack_does_not_load_pandas() -> None:
    script = "import sys; from domains.pack import load; p = load('finance'); p.passages, p.questions, p.attacks; print('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip() == "False"


def test_records_are_in_order_of_time_and_complete(finance) -> None:
    table = finance.records()
    assert table["date"].is_monotonic_increasing and table["date"].is_unique
    assert not table[[*finance.features, "large_move"]].isna().any().any()


def test_the_target_looks_one_day_ahead_and_no_input_does(finance) -> None:
    table = finance.records()
    move = table["close"].astype("float64").pct_change().abs() > 0.01
    assert (move.shift(-1).iloc[:-1] == table["large_move"].iloc[:-1].astype(bool)).mean() > 0.999
    from domains.finance.build import derive

    prices = (
        table[["date", "close"]]
        .assign(open=table.close, high=table.close * 1.01, low=table.close * 0.99, volume=1e6)
        .tail(600)
    )
    whole, cut = derive(prices.reset_index(drop=True)), derive(prices.head(500).reset_index(drop=True))
    inputs = finance.features
    assert whole.head(len(cut))[inputs].equals(cut[inputs])  # what came later changes no input


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("pack.toml", "name = ", "not TOML"),
        ("pack.toml", 'name = "x"', "Field required"),
        ("questions.jsonl", '{"id": "q1"}\n', "questions.jsonl:1"),
        ("questions.jsonl", "not json\n", "questions.jsonl:1: not JSON"),
        ("attacks.jsonl", '{"id": "a", "colour": 1}\n', "attacks.jsonl:1"),
    ],
)
def test_a_broken_file_is_named_with_its_line(copy, file, text, says) -> None:
    (copy / file).write_text(text)
    with pytest.raises(BadInput, match=says):
        pack = load(str(copy))
        pack.questions, pack.attacks


def test_missing_parts_are_named(copy) -> None:
    (copy / "records.parquet").unlink()
    with pytest.raises(BadInput, match=r"records\.parquet is missing"):
        load(str(copy)).records()
    with pytest.raises(BadInput, match="no domain pack"):
        load("no-such-pack")
    with pytest.raises(BadInput, match=r"no pack\.toml"):
        load(str(copy / "documents"))
