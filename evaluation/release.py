"""Run releases through the suites and the gate, and put everything where people look: MLflow, a page, a scorecard."""

from dataclasses import replace
from typing import Any

from common import console, files
from common.contracts import GateDecision
from common.encoder import minilm
from common.errors import BadInput
from common.llm import LLM
from common.settings import settings as shared
from common.tracking import Run, assess, run, tracing
from domains.pack import Pack
from domains.prompt import VERSIONS
from evaluation import answered, gate, plot, report, score, scorecard, suite, suites
from evaluation.config import settings
from evaluation.guard import Guard
from evaluation.judges import grounded
from evaluation.outcome import Bench, Outcome
from evaluation.suite import Release

EXPERIMENT = "evaluation"
SECRETS = ("pii", "adversarial")  # suites whose worst answers are those that give something away


def bench(pack: Pack, prompt: str, every: int, url: str = "") -> Bench:
    """What a suite needs, by the settings. BadInput for an unknown prompt version."""
    known(prompt)
    s = settings()
    guard = Guard(s.guard_url) if s.guard_url else None
    return Bench(pack, LLM(url or None), prompt, grounded(s.judge), s, every, guard, minilm())


def known(prompt: str) -> None:
    """BadInput for a prompt version that is none."""
    if prompt not in VERSIONS:
        raise BadInput(f"no prompt {prompt}", f"one of {', '.join(VERSIONS)}, or add yours to domains/prompt.py")


def run_suite(name: str, b: Bench) -> tuple[Outcome, dict[str, str]]:
    """One suite: (outcome, where things lie). Answers are kept until it is done, so that a killed run goes on."""
    with tracing(EXPERIMENT):
        outcome = suites.run(name, b)
        with run(EXPERIMENT, f"{name} {b.pack.name} {b.prompt}") as opened:
            opened.params(
                {"suite": name, "domain": b.pack.name, "prompt": b.prompt, "model": b.llm.model, "judge": b.judge.name}
            )
            opened.tags({"blocking": "; ".join(outcome.blocking) or "nothing", "domain": b.pack.name})
            places = publish(opened, outcome, f"evaluation-{name}-{b.pack.name}-{b.prompt}")
    for file in outcome.files:
        file.unlink(missing_ok=True)
    return outcome, places


def publish(opened: Run, o: Outcome, name: str) -> dict[str, str]:
    """The page, the scorecard, the table of cases and the assessments on the traces."""
    folder = shared().reports
    page = report.write(o.report, folder / f"{name}.html")
    card = files.write_text(folder / f"{name}.md", scorecard.of_suite(o))
    opened.metrics({key(k): e.value for k, e in o.report.rates.items()})
    opened.table("cases", [{"case": c.id, "passed": c.passed, "title": c.title, "answer": c.answer, "reasons": "; ".join(c.reasons), "p": c.confidence} for c in o.report.worst_first])  # fmt: skip
    opened.artifact(page)
    opened.artifact(card)
    remember(opened, o)
    return {"page": str(page), "scorecard": str(card), "run": opened.id}


def remember(opened: Run, o: Outcome) -> None:
    """Every result as an assessment on the trace of its answer."""
    why = {c.id: "; ".join(c.reasons) for c in o.report.cases}
    todo = [(i, row) for i, row in o.results.items() if i in o.said and o.said[i].trace]
    with console.progress("assessments", len(todo)) as advance:
        for i, row in todo:
            for name, value in row.items():
                by = o.judge if name in o.models else "fieldkit check"
                assess(o.said[i].trace, name, value, by, why.get(i, ""), model=name in o.models, run_id=opened.id)
            advance(1)


def key(name: str) -> str:
    """A rate's name as MLflow takes it."""
    return "".join(c if c.isalnum() or c in "_-. /" else " " for c in name)


def compare(
    pack: Pack, baseline: str, candidate: str, every: int = 1, url: str = "", candidate_url: str = ""
) -> tuple[GateDecision, dict[str, Any]]:
    """Both releases on every `every`-th case: scored, decided, logged, drawn. candidate_url: where the candidate's model is
    served, if it is another one."""
    known(candidate)
    b = bench(pack, baseline, every, url)
    own = replace(b, prompt=candidate, llm=LLM(candidate_url) if candidate_url else b.llm)
    before, after = apart(b.release, own.release)
    given = suite.contexts(pack, b.questions, b.encoder, b.s.context)
    scored, kept = [], []
    with tracing(EXPERIMENT):
        for asking in (b, own):
            todo = suite.cases(pack, b.questions, b.attacks, asking.release, given)
            said, file = asking.ask(todo)
            kept.append(file)
            texts = {i: a.text for i, a in said.items()}
            scored.append(score.score(pack, b.questions, b.attacks, todo, texts, b.encoder, b.judge, b.s))
        old, new = scored
        asked = {q.id for q in b.questions}
        outcome = answered.answered(own, "hallucination", [c for c in todo if c.id in asked], said, {})
        with run(EXPERIMENT, f"gate {pack.name} {baseline} -> {candidate}") as opened:
            decision = gate.decide(pack, before, after, old, new, opened.id)
            rates = gate.family_rates(new)
            families = {f: (was, rates[f]) for f, was in gate.family_rates(old).items()}
            picture = plot.gate(decision, families, shared().reports / "evaluation.png")
            card = files.write_text(shared().reports / "gate.md", scorecard.of_gate(decision, families))
            opened.params(
                {
                    "domain": pack.name,
                    "baseline": baseline,
                    "candidate": candidate,
                    "model": b.llm.model,
                    "candidate_model": own.llm.model,
                    "cases": len(texts),
                }
            )
            opened.tags({"verdict": decision.verdict, "domain": pack.name})
            opened.metrics(
                {f"baseline_{k}": v for k, v in old.rates().items()}
                | {f"candidate_{k}": v for k, v in new.rates().items()}
            )
            opened.record("decision.json", decision.model_dump(mode="json"))
            opened.table("gate", gate.table(old, new))
            for file in (picture, card):
                opened.artifact(file)
            places = publish(opened, outcome, f"evaluation-{pack.name}-{candidate}")
    decision.save(shared().reports / "gate.json")
    for file in kept:
        file.unlink(missing_ok=True)
    success = {f: str(now) for f, (_, now) in families.items()}
    return decision, places | {"picture": str(picture), "scorecard": str(card), "attack_success": success}


def apart(baseline: Release, candidate: Release) -> tuple[str, str]:
    """The names of two releases, with the endpoints where two models have one name. A release beside itself is told: it is asked
    once, and only zero tolerance can stop it."""
    if baseline == candidate:
        console.say(f"baseline and candidate are both {baseline} at {baseline.url}: no difference can be seen")
    elif baseline.model == candidate.model and baseline.url != candidate.url:
        return f"{baseline} at {baseline.url}", f"{candidate} at {candidate.url}"
    return str(baseline), str(candidate)


def tell(decision: GateDecision) -> None:
    """Print a decision the way a release manager reads it."""
    rows = [
        (
            c.metric, c.role, f"{c.baseline.value:.2f}", f"{c.candidate.value:.2f}", str(c.difference), f"{c.p_value:.3f}",
            "none" if c.detectable is None else f"{c.detectable:.2f}", c.difference.n,
        )
        for c in decision.comparisons
    ]  # fmt: skip
    columns = ["metric", "role", "baseline", "candidate", "difference [95 %]", "p worse", "detectable drop", "n"]
    console.table(f"{decision.candidate}, against {decision.baseline}", columns, rows)
    for name, e in decision.zero_tolerance.items():
        console.say(f"zero tolerance, {name}: failure rate {e} of {e.n} cases")
    for name in decision.advisory:
        console.say(f"advisory: {name}")
    colour = {"block": "bold red", "pass": "bold green"}.get(decision.verdict, "bold yellow")
    console.say(
        f"verdict: {decision.verdict}{': ' + '; '.join(decision.reasons) if decision.reasons else ''}", style=colour
    )


def tell_suite(o: Outcome) -> None:
    """A suite's rates, and what stops a release. An answer that may hold a secret is on the page, and not in a log."""
    rows = [(name, str(e), e.n) for name, e in o.report.rates.items()]
    console.table(f"{o.report.suite}: {o.report.model} on {o.report.domain}", ["rate", "value [95 %]", "n"], rows)
    for note in o.report.notes:
        console.say(note)
    for c in [c for c in o.report.worst_first if not c.passed][:3]:
        said = [] if o.report.suite in SECRETS else [scorecard.line(c.answer)]
        console.say("\n  ".join([f"{c.id}: {scorecard.line(c.prompt)}", *said, "; ".join(c.reasons)]))
    for why in o.blocking:
        console.say(f"stops a release: {why}", style="bold red")
