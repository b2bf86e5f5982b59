"""deepteam's disguises of the pack's attacks, where deepteam is installed, and what is said where it is not."""

import sys

import pytest

from common.errors import NotReady
from evaluation import team
from evaluation.attacks import reached


def test_without_deepteam_the_mend_says_how_to_get_it(finance, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "deepteam", None)
    with pytest.raises(NotReady, match="is not installed") as told:
        list(team.attacks(finance.attacks, 1))
    assert "deepteam==" in told.value.mend


def test_none_are_asked_for_where_the_setting_is_0(finance) -> None:
    assert not list(team.attacks(finance.attacks, 0))


def test_every_form_keeps_the_goal_and_hides_the_words(finance) -> None:
    pytest.importorskip("deepteam", reason="deepteam is not installed: it is no dependency of the kit")
    found = list(team.attacks(finance.attacks, 2))
    assert len(found) == 2 * len(team.FORMS) and len({a.id for a in found}) == len(found)
    plain = {a.id: a for a in finance.attacks}
    for a in found:
        origin = plain[a.id.rpartition("-")[0]]
        assert a.goal == origin.goal and a.prompt != origin.prompt and len(a.prompt) < 2 * team.LONGEST
        if a.goal.kind == "marker":
            assert reached(a, a.goal.value)
