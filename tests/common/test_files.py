import pytest

from common import files
from common.errors import BadInput


def test_writing_is_all_or_nothing(tmp_path, monkeypatch) -> None:
    target = files.write_text(tmp_path / "a.txt", "old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        files.write_text(target, "new")
    assert target.read_text() == "old"
    assert [f.name for f in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path) -> None:
    with pytest.raises(RuntimeError), files.new_folder(tmp_path / "model") as folder:
        (folder / "weights").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with files.new_folder(tmp_path / "model") as folder:
        (folder / "weights").write_text("whole")
    assert (tmp_path / "model" / "weights").read_text() == "whole"
    assert [f.name for f in tmp_path.iterdir()] == ["model"]


def test_a_folder_replaces_the_old_one(tmp_path) -> None:
    for text in ("one", "two"):
        with files.new_folder(tmp_path / "model") as folder:
            (folder / text).write_text(text)
    assert [f.name for f in (tmp_path / "model").iterdir()] == ["two"]


def test_reading_broken_json_ends_with_the_mend(tmp_path) -> None:
    (tmp_path / "x.json").write_text("[1,")
    with pytest.raises(BadInput, match=r"x\.json"):
        files.read_json(tmp_path / "x.json", "mend")
