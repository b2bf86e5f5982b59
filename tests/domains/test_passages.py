import itertools

from domains.passages import PIECE, front_matter, pieces, sections


def words(count: int, start: int = 0) -> str:
    return " ".join(f"w{i}" for i in range(start, start + count))


def test_short_sections_are_passages_as_they_are(finance) -> None:
    assert all(len(p.text.split()) <= PIECE for p in finance.passages)
    assert not [p.id for p in finance.passages if "." in p.id.split("#")[1]]


def test_a_document_without_headings_is_read_too(tmp_path) -> None:
    (tmp_path / "note.md").write_text("# A note\n\nOne thing.\n\nAnother thing.\n")
    (passage,) = sections(tmp_path / "note.md")
    assert passage.id == "note#text" and passage.title == "A note" and passage.text == "One thing.\n\nAnother thing."


def test_an_introduction_that_says_something_is_a_passage(tmp_path) -> None:
    said = words(20)
    (tmp_path / "a.md").write_text(f"# A\n\n{said}\n\n## One\ntext\n")
    (tmp_path / "b.md").write_text("# B\n\nWho may approve what.\n\n## One\ntext\n")
    assert [(p.id, p.text) for p in sections(tmp_path / "a.md")] == [("a#about", said), ("a#one", "text")]
    assert [p.id for p in sections(tmp_path / "b.md")] == ["b#one"]


def test_a_heading_without_text_is_no_passage(tmp_path) -> None:
    (tmp_path / "a.md").write_text("# A\n\n## One\n\n## Two\ntext\n\n## Three\n")
    assert [p.id for p in sections(tmp_path / "a.md")] == ["a#two"]


def test_front_matter_is_read_and_marks_what_is_superseded(tmp_path) -> None:
    (tmp_path / "a.md").write_text("---\nid: a\ntitle: A: b\nstatus: superseded by c\n---\n# A\n\n## One\ntext\n")
    assert front_matter((tmp_path / "a.md").read_text()) == {"id": "a", "title": "A: b", "status": "superseded by c"}
    assert [p.superseded for p in sections(tmp_path / "a.md")] == [True]
    assert front_matter("# A\n") == {}


def test_a_document_without_front_matter_has_titled_passages(tmp_path) -> None:
    (tmp_path / "note.md").write_text("# Note\n\n## One\ntext\n")
    assert [(p.id, p.title, p.text) for p in sections(tmp_path / "note.md")] == [("note#one", "Note: One", "text")]


def test_a_long_section_is_cut_between_paragraphs_and_nothing_is_lost() -> None:
    text = "\n\n".join(words(80, 80 * i) for i in range(5))
    found = list(pieces("doc#part", "T", text))
    assert [p.id for p in found] == ["doc#part", "doc#part.2", "doc#part.3", "doc#part.4"]
    assert all(len(p.text.split()) <= PIECE for p in found)
    assert {w for p in found for w in p.text.split()} == set(text.split())
    assert all(a.text.split("\n\n")[-1] == b.text.split("\n\n")[0] for a, b in itertools.pairwise(found))


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    sentence = words(30) + "."
    found = list(pieces("d#s", "T", " ".join([sentence] * 20)))
    assert len(found) > 3 and all(p.text.endswith(".") and len(p.text.split()) <= PIECE for p in found)


def test_no_piece_is_longer_than_the_encoder_reads() -> None:
    table = "\n".join(f"| row {i} | {words(20)} |" for i in range(40))
    for text in (words(500), table, f"{words(170)}.\n\n{words(170)}.\n\n{words(20)}."):
        found = list(pieces("d#s", "T", text))
        assert len(found) > 1 and all(len(p.text.split()) <= PIECE for p in found)
        assert {w for p in found for w in p.text.split()} == set(text.split())
