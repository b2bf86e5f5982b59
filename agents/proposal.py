"""The proposal: rules decide, the LLM explains, and its explanation is checked against the evidence.

A 135M model cannot choose an action (six of thirty hand-written alerts, chance is six), so it does not. It writes the
rationale; where that names a number that no fact holds, or no fact at all, the rules' own words stand.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from agents.config import AgentSettings
from agents.evidence import Fact
from common.contracts import Alert
from common.errors import EngineFailed, Refused
from common.llm import LLM
from domains.forms import Action
from domains.pack import Pack


@dataclass(frozen=True)
class Proposal:
    """An action, the pack's rule for it, and why."""

    action: str
    risk: str
    approver: str
    until: str
    reason: str
    rationale: str
    rationale_by: str

    def as_dict(self) -> dict[str, str]:
        """For a checkpoint and for the person."""
        return asdict(self)


def choose(alert: Alert, facts: Sequence[Fact], pack: Pack, s: AgentSettings) -> tuple[Action, str]:
    """(the action of the pack, the reason), by the runbook's rules. Refused where the pack does not allow the action."""
    value = {fact.name: fact.value for fact in facts}
    broken = max(value["share of missing values"], value["share of constant inputs"])
    if broken > s.data_error_share:
        name, reason = "escalate", f"{broken:.0%} of the inputs' values are missing or constant: the data come first"
    elif alert.verdict == "retrain":
        name, reason = (
            "retrain_and_promote",
            f"{len(alert.drifted)} inputs drifted and the calibration gap is {alert.current}",
        )
    else:
        name, reason = "collect_evidence", f"the verdict is {alert.verdict}: drift and loss do not stand together"
    allowed = {action.name: action for action in pack.config.actions if action.risk != "high"}
    if name not in allowed:
        raise Refused(
            f"the pack does not let an agent propose {name}",
            f"add it to [[actions]] of {pack.name}'s pack.toml, or escalate by hand",
        )
    return allowed[name], reason


def explain(alert: Alert, facts: Sequence[Fact], action: str, reason: str, llm: LLM | None) -> tuple[str, str]:
    """(rationale, who wrote it). Without an LLM, or where its draft names a number that is no fact, the rules' words."""
    plain = f"{reason}. Facts: {'; '.join(map(str, facts))}."
    if llm is None:
        return plain, "rules (no LLM was reachable)"
    prompt = f"Facts about model {alert.model} in {alert.window}: {'; '.join(map(str, facts))}.\nProposed action: {action}.\nExplain to the model owner in two sentences why, using only these facts."
    try:
        draft = llm.chat([{"role": "user", "content": prompt}], max_tokens=80, span="rationale").text.strip()
    except EngineFailed as error:  # an incident must not wait for it
        return plain, f"rules (the LLM failed: {error.message[:80]})"
    complaint = objection(draft, prompt, facts)
    return (plain, f"rules ({complaint})") if complaint else (draft, llm.model)


def objection(draft: str, evidence: str, facts: Sequence[Fact]) -> str:
    """Why a draft is set aside: it names a number that the evidence does not hold, or no fact at all. Empty: it stands."""
    unknown = unsupported(draft, evidence)
    if unknown:
        return f"the LLM's draft named {', '.join(unknown)}, which no fact holds"
    telling = {f"{fact.value:.3g}" for fact in facts if fact.value not in (0.0, 1.0)}
    if not telling & set(numbers(draft)):
        return "the LLM's draft named no fact"
    return ""


def numbers(text: str) -> list[str]:
    """The numbers of a text, as written."""
    return [n.rstrip(".") for n in re.findall(r"\d[\d.]*", text)]


def unsupported(draft: str, evidence: str) -> list[str]:
    """Numbers in a draft that the evidence does not hold, in the order they appear."""
    known = set(numbers(evidence))
    return [n for n in dict.fromkeys(numbers(draft)) if n not in known]
