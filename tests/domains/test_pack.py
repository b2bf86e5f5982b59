import json
import shutil
import subprocess
import sys

import pytest

from common.errors import BadInput
from domains.pack import HERE, controls, load, names


@pytest.fixture
def copy(tmp_path):
    """A copy of the finance pack that a test may break."""
    return shutil.copytree(HERE / "finance", tmp_path / "mine")


def test_a_pack_loads_by_name_and_by_path(copy) -> None:
    assert load("finance").name == load(str(copy)).name == "finance"
    assert load("_controls/portal").config.control


def test_templates_and_controls_are_not_among_the_packs() -> None:
    assert names() == ["climate", "finance", "healthcare"]
    assert controls() == ["_controls/portal", "_controls/storms"]


def test_passages_are_sections_with_stable_ids(finance) -> None:
    ids = {p.id for p in finance.passages}
    assert "limit-framework#limits-by-desk" in ids and "var-methodology#definition-and-parameters" in ids
    assert all(p.text for p in finance.passages)


def test_superseded_documents_are_marked(finance) -> None:
    assert {p.id.split("#")[0] for p in finance.passages if p.superseded} == {
        "backtesting-2017",
        "limit-framework-2019",
    }


@pytest.mark.parametrize("name", names())
def test_loading_a_pack_does_not_load_pandas(name) -> None:
    script = f"import sys; from domains.pack import load; p = load('{name}'); p.passages, p.questions, p.attacks, p.people; print('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip() == "False"


@pytest.mark.parametrize("name", [*names(), *controls()])
def test_records_are_in_order_of_time_with_a_label(name) -> None:
    pack = load(name)
    table = pack.records()
    assert table[pack.config.records.time].is_monotonic_increasing
    assert set(table[pack.config.records.target].unique()) == {0, 1}


@pytest.mark.parametrize("separator", ["\u2028", "\x85"])
def test_a_separator_of_lines_within_a_text_is_none(copy, separator) -> None:
    file = copy / "questions.jsonl"
    rows = [json.loads(line) for line in file.read_text().split("\n") if line]
    rows[0]["answer"] = f"One{separator}two"
    file.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows))
    found = load(str(copy)).questions
    assert len(found) == len(rows) and found[0].answer == rows[0]["answer"]


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("pack.toml", "name = ", "not TOML"),
        ("pack.toml", 'name = "x"', "Field required"),
        ("questions.jsonl", '{"id": "q1"}\n', "questions.jsonl:1"),
        ("questions.jsonl", "not json\n", "questions.jsonl:1: not JSON"),
        ("attacks.jsonl", '{"id": "a", "colour": 1}\n', "attacks.jsonl:1"),
        ("people.jsonl", '{"id": "p"}\n', "people.jsonl:1"),
    ],
)
def test_a_broken_file_is_named_with_its_line(copy, file, text, says) -> None:
    (copy / file).write_text(text)
    with pytest.raises(BadInput, match=says):
        pack = load(str(copy))
        pack.questions, pack.attacks, pack.people


def test_missing_parts_are_named(copy) -> None:
    (copy / "records.parquet").unlink()
    with pytest.raises(BadInput, match=r"records\.parquet is missing") as caught:
        load(str(copy)).records()
    assert "copy your table to" in str(caught.value)
    with pytest.raises(BadInput, match="no domain pack"):
        load("no-such-pack")
    with pytest.raises(BadInput, match=r"no pack\.toml"):
        load(str(copy / "documents"))


def test_a_reference_that_is_no_day_is_refused(copy) -> None:
    file = copy / "pack.toml"
    file.write_text(file.read_text().replace('"1966-01-01/1966-12-31"', '"1966"'))
    with pytest.raises(BadInput, match="neither a day"):
        load(str(copy))
