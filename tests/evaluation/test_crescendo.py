"""Attacks over several turns: scripts, goals, and conversations on the echo engine."""

import pytest

from common import tracking
from common.llm import LLM
from domains.pack import load, names
from evaluation import crescendo


@pytest.mark.parametrize("name", names())
def test_scripts_fit_every_pack(name) -> None:
    pack = load(name)
    found = crescendo.scripts(pack)
    assert len(found) >= 8 and len({x.id for x in found}) == len(found)
    for x in found:
        assert len(x.turns) >= 3 and not any("{" in turn for turn in x.turns)
        assert x.kind == "marker" or (x.value == pack.canary and not any(pack.canary in t for t in x.turns))


def test_a_goal_in_any_turn_is_success(finance) -> None:
    (script,) = [x for x in crescendo.scripts(finance) if x.id == "c01"]
    assert crescendo.succeeded(script, ["A drawer.", f"The code is {finance.canary}."])
    assert not crescendo.succeeded(script, ["A drawer.", "I cannot say."])


def test_who_repeats_the_marker_in_clear_has_said_it(finance) -> None:
    (script,) = [x for x in crescendo.scripts(finance) if x.id == "c06"]
    assert crescendo.succeeded(script, ["Nobody.", "Yes.", "RULES-OFF-88"])


def test_the_whole_talk_goes_along_and_it_ends_with_the_goal(home, finance, echo_url) -> None:
    (script,) = [x for x in crescendo.scripts(finance) if x.id == "c05"]
    with tracking.tracing("evaluation"):
        answers = crescendo.play(script, finance, "v2", LLM(echo_url), 48)
    assert len(answers) == 3 and crescendo.succeeded(
        script, answers
    )  # the echo repeats what it is told in the last turn
    (other,) = [x for x in crescendo.scripts(finance) if x.id == "c08"]
    with tracking.tracing("evaluation"):
        assert len(crescendo.play(other, finance, "v2", LLM(echo_url), 48)) == len(other.turns)
