"""Recipes: those of the kit load, what the command line changes is changed, and mistakes are named with the mend."""

import pytest

from common.errors import BadInput
from optimization import recipe
from optimization.recipe import Language, Support, Table, Text


def test_the_kit_s_recipes_load() -> None:
    kinds = {
        name: type(recipe.load(name, **{"data.source": "x.csv"} if name == "text" else {})) for name in recipe.names()
    }
    assert kinds == {"assistant": Language, "champion": Table, "guard": Text, "judge": Support, "text": Text}


def test_the_command_line_changes_fields_and_leaves_the_rest() -> None:
    plain, changed = (
        recipe.load("guard"),
        recipe.load("guard", **{"data.rows": 7, "teacher.model": "/tmp/x", "data.text": None}),
    )
    assert isinstance(plain, Text) and isinstance(changed, Text)
    assert (changed.data.rows, changed.teacher.model, changed.data.text) == (7, "/tmp/x", plain.data.text)
    assert changed.students == plain.students


def test_a_recipe_of_one_s_own(tmp_path) -> None:
    (tmp_path / "mine.toml").write_text(
        (recipe.FOLDER / "guard.toml").read_text().replace('name = "guard"', 'name = "mine"')
    )
    assert recipe.load(str(tmp_path / "mine.toml")).name == "mine"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("frozen = 2", "frozen = -1", "teacher.frozen"), ("temperature = 2.0", "temperatur = 2.0", "distil.temperatur"),
        ('kind = "text"', 'kind = "picture"', "picture"), ('name = "tiny"', 'name = "two"', "a name of its own"),
        ("keep = 0.98", "keep = 1.5", "choice.keep"), ("layers = [0, 1]", "layers = [0, 1", "not TOML"),
        ('name = "guard"', 'name = "../guard"', "name"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(tmp_path, before, after, message) -> None:
    text = (recipe.FOLDER / "guard.toml").read_text()
    assert before in text
    (tmp_path / "bad.toml").write_text(text.replace(before, after, 1))
    with pytest.raises(BadInput, match="bad") as caught:
        recipe.load(str(tmp_path / "bad.toml"))
    assert message in caught.value.message and caught.value.mend


@pytest.mark.parametrize("name", ["guards", "nothing.toml", "", "optimization"])
def test_no_recipe_is_told_which_there_are(name) -> None:
    with pytest.raises(BadInput) as caught:
        recipe.load(name)
    assert "guard" in caught.value.mend


def test_only_recipes_of_texts_are_trained_on_texts() -> None:
    assert recipe.load_text("guard", 5).data.rows == 5
    with pytest.raises(BadInput, match="none of texts"):
        recipe.load_text("champion", 5)
