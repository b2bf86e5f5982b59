import shutil

import pytest

from common.errors import BadInput
from domains import card
from domains.pack import HERE, controls, load, names
from tests.conftest import run_cli


@pytest.mark.parametrize("name", [*names(), *controls()])
def test_the_generated_part_of_each_page_is_up_to_date(name) -> None:
    pack = load(name)
    assert (pack.folder / "README.md").read_text() == card.readme(pack), f"python -m domains card {name} --write"


@pytest.mark.parametrize("name", [*names(), *controls()])
def test_each_page_shows_the_decay_of_these_records(name) -> None:
    pack = load(name)
    assert "](decay.png)" in (pack.folder / "README.md").read_text() and (pack.folder / "decay.png").exists()
    from common import files

    assert files.read_json(pack.folder / "decay.json", "")["records"] == pack.config.records.sha256


def test_a_page_is_one_file_with_its_pictures_inside(tmp_path, finance) -> None:
    text = card.page(finance, tmp_path / "card.html").read_text()
    assert 'src="data:image/png;base64,' in text and "<table>" in text and "http://" not in text.split("<body>")[0]
    assert card.BEGIN not in text


def test_what_a_person_wrote_is_kept(tmp_path) -> None:
    folder = shutil.copytree(HERE / "healthcare", tmp_path / "mine")
    (folder / "README.md").write_text("# Mine\n\nMy words.\n")
    card.write(load(str(folder)))
    card.write(load(str(folder)))
    text = (folder / "README.md").read_text()
    assert text.startswith("# Mine\n\nMy words.\n") and text.count(card.BEGIN) == 1 and "| input |" in text


def test_a_page_whose_end_is_missing_is_refused_and_kept(tmp_path) -> None:
    folder = shutil.copytree(HERE / "healthcare", tmp_path / "mine")
    text = f"# Mine\n\n{card.BEGIN}\nMy own long words.\n"
    (folder / "README.md").write_text(text)
    with pytest.raises(BadInput, match="without"):
        card.write(load(str(folder)))
    assert (folder / "README.md").read_text() == text


def test_the_command_names_the_page(home) -> None:
    done = run_cli("domains", "card", "healthcare")
    assert done.returncode == 0 and (home / "reports" / "card-healthcare.html").exists()
