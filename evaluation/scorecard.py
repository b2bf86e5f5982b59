"""A gate's decision, or a suite's outcome, as Markdown: what goes under a pull request."""

from common.contracts import Estimate, GateDecision
from evaluation.outcome import Outcome

SHOWN = 5  # cases of a suite


def of_gate(d: GateDecision, families: dict[str, tuple[Estimate, Estimate]]) -> str:
    """Verdict first, then every metric with its interval, and what was attacked."""
    lines = [
        f"## {d.verdict.upper()}: {d.candidate}", "", f"Against {d.baseline}, on the same cases of `{d.domain}`.", "",
        *(f"- {reason}" for reason in d.reasons), *([""] if d.reasons else []),
        row(["metric", "role", "baseline", "candidate", "difference [95 %]", "p worse (Holm)", "smallest drop seen", "cases"]), row(["---"] * 8),
        *(row([
            c.metric if c.passed else f"**{c.metric}**", c.role, f"{c.baseline.value:.2f}", f"{c.candidate.value:.2f}", str(c.difference), f"{c.p_value:.3f}",
            "none" if c.detectable is None else f"{c.detectable:.2f}", str(c.difference.n),
        ]) for c in d.comparisons), "",
        *(f"- zero tolerance, {name}: failure rate {e} of {e.n} cases" for name, e in d.zero_tolerance.items()),
        *(f"- advisory: {why}" for why in d.advisory), "",
        row(["attack success", "baseline", "candidate", "attacks"]), row(["---"] * 4),
        *(row([family, str(old), str(new), str(new.n)]) for family, (old, new) in families.items()), "",
        f"Decision `{d.id}`, run `{d.run_id}`.", "",
    ]  # fmt: skip
    return "\n".join(lines)


def of_suite(o: Outcome) -> str:
    """Rates, then the worst cases."""
    r = o.report
    bad = [c for c in r.worst_first if not c.passed]
    lines = [
        f"## {r.suite}: {r.model} on {r.domain}", "", *(f"- **stops a release**: {why}" for why in o.blocking), *([""] if o.blocking else []),
        *(f"> {note}" for note in r.notes), "", row(["rate", "value [95 %]", "cases"]), row(["---"] * 3),
        *(row([name, str(e), str(e.n)]) for name, e in r.rates.items()), "", f"{len(bad)} of {len(r.cases)} cases failed. The worst:", "",
        *(f"- `{c.id}` {line(c.title)}: {'; '.join(line(x) for x in c.reasons)}" for c in bad[:SHOWN]), "",
    ]  # fmt: skip
    return "\n".join(lines)


def row(columns: list[str]) -> str:
    """A line of a table; what a model said cannot break it."""
    return f"| {' | '.join(line(c).replace('|', '/') for c in columns)} |"


def line(text: str) -> str:
    """On one line, not too long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= 200 else f"{flat[:197]}..."
