"""The incident as a LangGraph graph: investigate -> propose -> gate -> act -> report.

One interrupt, in a node of its own with nothing before it, because LangGraph runs an interrupted node again from its
start. Checkpoints are written synchronously to SQLite; the effect is made exactly once by `agents.ledger`, not by the
graph, because a node that was killed after its effect and before its checkpoint is run again.
"""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from agents import evidence, proposal, registry
from agents.config import AgentSettings
from agents.ledger import Ledger, move_once
from common.contracts import Alert, now
from common.errors import NotReady, Refused
from common.llm import LLM
from common.settings import settings as shared
from domains.pack import Pack, load
from domains.periods import last_day_before, window_of

NEEDS_NO_APPROVAL = "low"
# The one action with an effect of its own: a person approves it whatever its risk is called.
MOVES = "retrain_and_promote"


class Decision(BaseModel):
    """A person's answer. The interrupt refuses anything else, and stays pending."""

    type: Literal["approve", "reject"]
    approver: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    comment: str = ""
    at: AwareDatetime = Field(default_factory=now)


class State(TypedDict, total=False):
    """What a checkpoint holds: plain data only."""

    alert: dict[str, Any]
    facts: list[dict[str, Any]]
    proposal: dict[str, str]
    decision: dict[str, Any]
    outcome: dict[str, Any]


def pack_of(alert: Alert) -> Pack:
    """The pack of DOMAIN, which must be the one that the alert is about: a copy under another path has other data, and a version
    number of another pack's model would fit this one's registry, too."""
    pack = load(shared().domain)
    if pack.name != alert.domain:
        raise Refused(
            f"the alert is about {alert.domain}, and DOMAIN is {pack.name}", f"DOMAIN={alert.domain}, or its path"
        )
    if alert.model != pack.config.champion.registry:
        raise Refused(
            f"the alert is about the model {alert.model}, and {pack.name}'s is {pack.config.champion.registry}",
            "an alert of this pack: python -m monitoring alerts",
        )
    return pack


def traced(name: str, step: Callable[[State], dict[str, Any]]) -> Callable[[State], dict[str, Any]]:
    """A node whose call is a span of the incident's trace."""

    def node(state: State) -> dict[str, Any]:
        import mlflow

        with mlflow.start_span(name, span_type="TOOL") as span:
            span.set_inputs({key: state.get(key) for key in ("proposal", "decision")})
            update = step(state)
            span.set_outputs(update)
        return update

    return node


def reachable_llm() -> LLM | None:
    """The served LLM, or None: an incident must not wait for it."""
    try:
        return LLM()
    except NotReady:
        return None


def build(ledger: Ledger, s: AgentSettings) -> Any:
    """The graph, not yet compiled."""
    from langgraph.graph import END, START, StateGraph
    from langgraph.types import Command, RetryPolicy, interrupt

    def investigate(state: State) -> dict[str, Any]:
        alert = Alert.model_validate(state["alert"])
        return {"facts": [fact.as_dict() for fact in evidence.investigate(alert, pack_of(alert))]}

    def propose(state: State) -> dict[str, Any]:
        alert = Alert.model_validate(state["alert"])
        facts = [evidence.Fact(**fact) for fact in state["facts"]]
        action, reason = proposal.choose(alert, facts, pack_of(alert), s)
        rationale, author = proposal.explain(alert, facts, action.name, reason, reachable_llm())
        made = proposal.Proposal(
            action.name,
            action.risk,
            action.approver,
            last_day_before(pack_of(alert), alert.window_start),
            reason,
            rationale,
            author,
        )
        return {"proposal": made.as_dict()}

    def gate(state: State) -> Any:
        if state["proposal"]["risk"] == NEEDS_NO_APPROVAL and state["proposal"]["action"] != MOVES:
            return Command(goto="report", update={"outcome": {"status": state["proposal"]["action"], "moved": False}})
        answer = interrupt({"alert": state["alert"]["id"], **state["proposal"]}, response_schema=Decision)
        decision = Decision.model_validate(answer)
        update = {"decision": decision.model_dump(mode="json")}
        if decision.type == "reject":
            return Command(goto="report", update=update | {"outcome": {"status": "rejected", "moved": False}})
        return Command(goto="act", update=update)

    def act(state: State) -> dict[str, Any]:
        return {"outcome": carry_out(state, ledger, s)}

    graph = StateGraph(State)
    graph.add_node("investigate", traced("investigate", investigate), retry_policy=RetryPolicy(max_attempts=3))
    graph.add_node("propose", traced("propose", propose))
    graph.add_node("gate", gate, destinations=("act", "report"))
    graph.add_node("act", traced("act", act))
    graph.add_node("report", traced("report", lambda state: {}))
    graph.add_edge(START, "investigate")
    graph.add_edge("investigate", "propose")
    graph.add_edge("propose", "gate")
    # an approval that has expired is asked for again: there is none by silence, and none by waiting
    graph.add_conditional_edges(
        "act", lambda state: "gate" if state["outcome"]["status"] == "expired" else "report", ["gate", "report"]
    )
    graph.add_edge("report", END)
    return graph


def carry_out(state: State, ledger: Ledger, s: AgentSettings) -> dict[str, Any]:
    """What was approved. Of `MOVES`: retrain, compare on the incident's window, and move the alias once if the challenger is not
    worse; what the ledger intends already is not decided again. Any other action is a person's to do, and moves nothing."""
    alert, decision = Alert.model_validate(state["alert"]), Decision.model_validate(state["decision"])
    pack = pack_of(alert)
    action, domain = state["proposal"]["action"], shared().domain
    key = f"{alert.id}:{action}"
    begun = ledger.entry(key)
    if begun is None and now() - decision.at > timedelta(hours=s.approval_hours):
        return {"status": "expired", "moved": False, "why": f"approved more than {s.approval_hours:g} hours ago"}
    if action != MOVES:
        return {"status": action, "moved": False}
    if begun is None and registry.champion_of(alert.model) != alert.model_version:
        return stale(alert)
    challenger = begun.target if begun else registry.retrain(domain, state["proposal"]["until"])
    window = registry.compare(domain, alert.model_version, challenger, alert.window_start, alert.window_end)
    found = {"challenger": challenger, "champion": alert.model_version, "incident_window": window}
    if begun is None and not window["difference"]["value"] <= 0:  # also where it is not a number
        return {"status": "kept", "moved": False, "why": "the challenger is worse on the incident's window", **found}
    where, move = lambda: registry.champion_of(alert.model), lambda version: registry.set_champion(alert.model, version)
    with registry.held(alert.model):  # retraining takes minutes: another incident may have moved the alias meanwhile
        if begun is None and where() != alert.model_version:
            return stale(alert) | found
        entry, moved = move_once(ledger, key, challenger, decision.approver, where, move)
    return {
        "status": "promoted",
        "moved": moved,
        "done_at": entry.done_at,
        **found,
        "after": verify(pack, alert, challenger),
    }


def stale(alert: Alert) -> dict[str, Any]:
    """The outcome where somebody moved the champion since the alert."""
    why = f"the champion is no longer version {alert.model_version}, which the alert is about"
    return {"status": "stale", "moved": False, "why": why}


def verify(pack: Pack, alert: Alert, challenger: str) -> dict[str, Any]:
    """The effect on data that did not decide it: the registry's alias, and the window after the incident's."""
    first, last = window_of(pack, window_of(pack, alert.window_end)[1] + timedelta(days=1))
    result: dict[str, Any] = {"champion": registry.champion_of(alert.model)}
    try:
        result["next_window"] = registry.compare(
            shared().domain, alert.model_version, challenger, str(first.date()), str(last.date())
        )
    except Exception as error:  # the next window may not be there yet: that is no failure of the action
        result["next_window"] = f"not measured: {error}"
    return result


def compile_graph(folder: Path, s: AgentSettings) -> tuple[Any, Ledger]:
    """(the runnable graph with its SQLite checkpoints, the ledger), both in `folder`."""
    from langgraph.checkpoint.sqlite import SqliteSaver

    ledger = Ledger(folder / "ledger.db")
    connection = sqlite3.connect(folder / "checkpoints.db", check_same_thread=False, timeout=30)
    return build(ledger, s).compile(checkpointer=SqliteSaver(connection)), ledger
