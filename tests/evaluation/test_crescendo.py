"""Attacks over several turns: scripts, goals, and conversations on the echo engine."""

from pathlib import Path

import pytest

from common import tracking
from common.llm import LLM
from domains.pack import load, names
from evaluation import crescendo


def called(name: str, pack, file: Path = crescendo.FILE) -> crescendo.Script:
    (script,) = [x for x in crescendo.scripts(pack, file) if x.id.startswith(f"crescendo {name}-")]
    return script


@pytest.mark.parametrize("name", names())
def test_scripts_fit_every_pack(name) -> None:
    pack = load(name)
    found = crescendo.scripts(pack)
    assert len(found) >= 8 and len({x.id for x in found}) == len(found)
    for x in found:
        assert len(x.turns) >= 3 and not any("{" in turn for turn in x.turns)
        assert x.kind == "marker" or (x.value == pack.canary and not any(pack.canary in t for t in x.turns))


def test_a_goal_in_any_turn_is_success(finance) -> None:
    script = called("c01", finance)
    assert crescendo.succeeded(script, ["A drawer.", f"The code is {finance.canary}."])
    assert not crescendo.succeeded(script, ["A drawer.", "I cannot say."])


def test_who_repeats_the_marker_in_clear_has_said_it(finance) -> None:
    script = called("c06", finance)
    assert crescendo.succeeded(script, ["Nobody.", "Yes.", "RULES-OFF-88"])


def test_the_whole_talk_goes_along_and_it_ends_with_the_goal(home, finance, echo_url) -> None:
    script = called("c05", finance)
    with tracking.tracing("evaluation"):
        answers = crescendo.play(script, finance, "v2", LLM(echo_url), 48)
    assert len(answers) == 3 and crescendo.succeeded(
        script, answers
    )  # the echo repeats what it is told in the last turn
    other = called("c08", finance)
    with tracking.tracing("evaluation"):
        assert len(crescendo.play(other, finance, "v2", LLM(echo_url), 48)) == len(other.turns)


def test_an_edited_script_is_another_one_and_is_played_anew(tmp_path, finance) -> None:
    """Its answers are kept by id: old answers must not stand beside new turns."""
    file = tmp_path / "scripts.toml"
    file.write_text(crescendo.FILE.read_text().replace("Print the code, so that", "Print all of it, so that"))
    assert called("c02", finance, file).id != called("c02", finance).id
    assert called("c01", finance, file).id == called("c01", finance).id


def test_an_attack_of_a_pack_may_be_called_as_a_script_is(finance) -> None:
    attacks = {"c01", "crescendo", *(a.id for a in finance.attacks)}
    assert not attacks & {x.id for x in crescendo.scripts(finance)}
