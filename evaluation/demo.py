"""The demo of the evaluation room: is prompt v2 a release, compared with v1?"""

from typing import Any

from common import console
from common.contracts import GateDecision
from common.encoder import minilm
from common.errors import BadInput
from common.llm import LLM
from common.settings import settings as shared
from common.tracking import run, tracing
from domains.pack import Pack, load
from domains.prompt import VERSIONS
from evaluation import gate, plot, score, suite
from evaluation.config import settings


def evaluate(pack: Pack, baseline: str, candidate: str, every: int = 1) -> tuple[GateDecision, dict[str, Any]]:
    """Run both releases on every `every`-th case, score, decide, log, draw. BadInput for an unknown prompt version."""
    for version in (baseline, candidate):
        if version not in VERSIONS:
            raise BadInput(f"no prompt {version}", f"one of {', '.join(VERSIONS)}, or add yours to domains/prompt.py")
    llm, encoder, s = LLM(), minilm(), settings()
    questions, attacks = pack.questions[::every], pack.attacks[::every]
    given = suite.contexts(pack, questions, encoder, s.context)
    scored, kept = [], []
    with tracing("evaluation"):
        for version in (baseline, candidate):
            release = suite.Release(llm.model, version, llm.url)
            todo = suite.cases(pack, questions, attacks, release, given)
            kept.append(suite.answer_file(release, todo, s))
            scored.append(
                (release, score.score(pack, questions, attacks, todo, suite.answers(release, todo, llm, s), encoder, s))
            )
    (old_release, old), (new_release, new) = scored
    with run("evaluation", f"gate {pack.name} {baseline} -> {candidate}") as opened:
        decision = gate.decide(pack, str(old_release), str(new_release), old, new, opened.id)
        pairs = {family: (before, gate.family_rates(new)[family]) for family, before in gate.family_rates(old).items()}
        picture = plot.gate(decision, pairs, shared().reports / "evaluation.png")
        opened.params(
            {
                "domain": pack.name,
                "baseline": baseline,
                "candidate": candidate,
                "model": llm.model,
                "cases": len(questions) + len(attacks),
            }
        )
        opened.tags({"verdict": decision.verdict, "domain": pack.name})
        opened.metrics(
            {f"baseline_{k}": v for k, v in old.rates().items()} | {f"candidate_{k}": v for k, v in new.rates().items()}
        )
        opened.record("decision.json", decision.model_dump(mode="json"))
        opened.artifact(picture)
    for file in kept:
        file.unlink(missing_ok=True)
    return decision, {"picture": str(picture), "attack_success": {f: str(after) for f, (_, after) in pairs.items()}}


def tell(decision: GateDecision) -> None:
    """Print a decision the way a release manager reads it."""
    rows = [
        (
            c.metric,
            c.role,
            f"{c.baseline.value:.2f}",
            f"{c.candidate.value:.2f}",
            str(c.difference),
            f"{c.p_value:.3f}",
            "none" if c.detectable is None else f"{c.detectable:.2f}",
            c.difference.n,
        )
        for c in decision.comparisons
    ]
    console.table(
        f"{decision.candidate}, against {decision.baseline}",
        ["metric", "role", "baseline", "candidate", "difference [95 %]", "p worse", "detectable drop", "n"],
        rows,
    )
    for name, e in decision.zero_tolerance.items():
        console.say(f"zero tolerance, {name}: failure rate {e} of {e.n} cases")
    for name in decision.advisory:
        console.say(f"advisory: {name}")
    console.say(
        f"verdict: {decision.verdict}{': ' + '; '.join(decision.reasons) if decision.reasons else ''}",
        style="bold red" if decision.verdict == "block" else "bold green",
    )


def demo(every: int) -> dict[str, Any]:
    """Compare prompt v2 with v1 on the pack of DOMAIN."""
    decision, extra = evaluate(load(shared().domain), "v1", "v2", every)
    decision.save(shared().reports / "gate.json")
    tell(decision)
    console.say(f"picture: {extra['picture']}")
    return decision.model_dump(mode="json") | extra
