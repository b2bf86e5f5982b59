import pytest

from agents import proposal
from agents.config import AgentSettings
from agents.evidence import Fact
from common.contracts import Alert
from common.errors import Refused
from domains.periods import last_day_before
from tests.common.test_contracts import ALERT

S = AgentSettings()


def facts(missing: float = 0.0, constant: float = 0.0) -> list[Fact]:
    return [
        Fact("share of missing values", missing, "x"),
        Fact("share of constant inputs", constant, "x"),
        Fact("calibration gap", 0.121, "x"),
    ]


def alert(**changes) -> Alert:
    return Alert.model_validate(ALERT | changes)


@pytest.mark.parametrize(
    ("changes", "missing", "action"),
    [
        ({}, 0.0, "retrain_and_promote"),
        ({}, 0.2, "escalate"),
        ({"verdict": "watch"}, 0.0, "collect_evidence"),
        ({"verdict": "investigate_labels"}, 0.0, "collect_evidence"),
    ],
)
def test_the_runbook_s_rules(finance, changes, missing, action) -> None:
    chosen, reason = proposal.choose(alert(**changes), facts(missing), finance, S)
    assert chosen.name == action and reason


def test_an_action_that_the_pack_does_not_name_is_refused(finance) -> None:
    class Bare:
        name = "bare"
        config = finance.config.model_copy(update={"actions": []})

    with pytest.raises(Refused, match="does not let an agent propose"):
        proposal.choose(alert(), facts(), Bare(), S)  # type: ignore[arg-type]


def test_training_ends_before_the_incident(finance) -> None:
    assert last_day_before(finance, alert().window_start) == "2007-12-31"


def test_a_draft_with_a_number_that_no_fact_holds_is_set_aside() -> None:
    assert proposal.unsupported("The gap of 0.121 cost 45 million.", "gap 0.121") == ["45"]
    assert "45" in proposal.objection("The gap of 0.121 cost 45 million.", "gap 0.121", facts())
    assert proposal.objection("The calibration gap is 0.121.", "gap 0.121", facts()) == ""
    assert "no fact" in proposal.objection("The model owner owns the model.", "gap 0.121", facts())


def test_without_an_llm_the_rules_speak() -> None:
    text, author = proposal.explain(alert(), facts(), "retrain_and_promote", "because", None)
    assert text.startswith("because. Facts:") and author.startswith("rules")
