"""What cost time is asked once, also after a kill."""

from evaluation.kept import Kept


def test_rows_are_there_for_the_next_process(tmp_path) -> None:
    Kept(tmp_path / "sub" / "rows.jsonl").add("a", {"x": 1})
    again = Kept(tmp_path / "sub" / "rows.jsonl")
    assert "a" in again and again["a"] == {"x": 1} and len(again) == 1 and "b" not in again


def test_no_whole_row_is_lost_to_a_broken_one(tmp_path) -> None:
    file = tmp_path / "rows.jsonl"
    Kept(file).add("a", "a")
    file.write_text(file.read_text().rstrip("\n"))  # as an editor may leave it
    for name in "bc":
        Kept(file).add(name, name)
    assert [Kept(file)[n] for n in "abc"] == ["a", "b", "c"]
    first, *rest = file.read_text().splitlines(keepends=True)
    file.write_text("".join([first, '{"id": "x", "val\n', *rest]))
    assert [Kept(file)[n] for n in "abc"] == ["a", "b", "c"] and "x" not in Kept(file)
    assert len(file.read_text().splitlines()) == 3


def test_a_line_that_was_cut_in_half_goes_and_the_rest_stays(tmp_path) -> None:
    file = tmp_path / "rows.jsonl"
    for name in "ab":
        Kept(file).add(name, name)
    file.write_text(file.read_text() + '{"id": "c", "val')
    again = Kept(file)
    assert len(again) == 2
    again.add("c", "c")
    assert [Kept(file)[n] for n in "abc"] == ["a", "b", "c"] and len(file.read_text().splitlines()) == 3
