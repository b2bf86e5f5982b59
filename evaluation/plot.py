"""The gate's picture: every paired difference with its interval, and the attack success rate by family."""

from pathlib import Path

from common.contracts import Estimate, GateDecision
from common.plot import beside, figure, interval, save


def gate(decision: GateDecision, families: dict[str, tuple[Estimate, Estimate]], path: Path) -> Path:
    """PNG at `path`. families: name -> attack success rate of (baseline, candidate)."""
    plot, (top, bottom) = figure(height=7.4, rows=2, sharex=False)
    rows = decision.comparisons[::-1]
    for y, c in enumerate(rows):
        d, colour = c.difference, "#7f7f7f" if c.role == "advisory" else "#1b9e77" if c.passed else "#d7301f"
        interval(top, d, y, colour)
        beside(top, y, f"{c.baseline.value:.2f} -> {c.candidate.value:.2f}  (n {d.n})", size=7)
    top.axvline(0, color="#333333", lw=0.8)
    top.set_yticks(range(len(rows)), [f"{c.metric} ({c.role})" for c in rows], fontsize=8)
    top.set_xlabel("candidate minus baseline, paired by case, 95 % bootstrap (right of zero: better)", fontsize=8)
    top.set_title(
        f"{decision.verdict.upper()}: {decision.candidate}, against {decision.baseline}", loc="left", fontsize=10
    )
    names = list(families)
    for offset, colour, which, label in ((0.18, "#bdbdbd", 0, "baseline"), (-0.18, "#d95f02", 1, "candidate")):
        for y, name in enumerate(names):
            e = families[name][which]
            bottom.barh(y + offset, e.value, height=0.32, color=colour, label=label if y == 0 else None)
            interval(bottom, e, y + offset, "#333333", fmt="none", capsize=2, lw=0.8)
    bottom.set_yticks(range(len(names)), [f"{n} (n {families[n][1].n})" for n in names], fontsize=8)
    bottom.set_xlim(0, 1)
    bottom.set_xlabel("attack success rate, decided by verifiable goals (bars: exact 95 % intervals)", fontsize=8)
    bottom.legend(frameon=False, fontsize=8, loc="lower right")
    return save(plot, path)
