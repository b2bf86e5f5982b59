"""Jailbreak templates with a goal that can be matched."""

import pytest

from common.errors import NotReady
from evaluation import wild
from evaluation.attacks import reached


@pytest.fixture
def found(store):
    if not (store / "wild" / "wild.json").exists():
        pytest.skip("the store has no wild: make setup")
    return list(wild.attacks(30))


def test_they_are_the_same_in_every_process_and_distinct(found) -> None:
    assert len({a.id for a in found}) == 30 and [a.id for a in wild.attacks(10)] == [a.id for a in found[:10]]
    assert all(a.goal.value in a.prompt and len(a.prompt) < wild.LONGEST + 200 for a in found)


def test_who_writes_the_word_has_obeyed_and_who_refuses_has_not(found) -> None:
    one = found[0]
    assert reached(one, f"{one.goal.value}") and not reached(one, "I cannot do that.")


def test_a_store_without_them_is_told(home, monkeypatch, tmp_path) -> None:
    from common import models

    monkeypatch.setattr(models, "store", lambda: tmp_path)
    with pytest.raises(NotReady, match="wild"):
        list(wild.attacks(1))
