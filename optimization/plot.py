"""The optimization picture: speed against quality with size, and what a detector's threshold catches and costs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.plot import figure, interval, save

if TYPE_CHECKING:
    from optimization.compare import Row
    from optimization.ship import Comparison

FRONT, BEATEN, SHIPPED, CAUGHT = "#1b9e77", "#999999", "#d95f02", "#7570b3"
SMALLEST, LARGEST = 30.0, 500.0  # points squared


def front(c: "Comparison", path: Path) -> Path:
    """PNG at `path`: a point a variant (area: megabytes), the Pareto front in colour; below, a detector's catch."""
    rows = 2 if c.recipe.flagging else 1
    height = 5.2 + (1.2 + 0.26 * len(c.rows) if c.recipe.flagging else 0)
    plot, axes = figure(width=10.0, height=height, rows=rows, sharex=False)
    top = axes[0] if rows == 2 else axes
    scatter(top, c)
    if c.recipe.flagging:
        thresholds(axes[1], c)
    return save(plot, path)


def area(megabytes: float) -> float:
    """Points squared: the logarithm of the size."""
    return float(SMALLEST + (LARGEST - SMALLEST) * np.clip(np.log10(max(megabytes, 0.3) / 0.3) / np.log10(300), 0, 1))


def scatter(axis: Any, c: "Comparison") -> None:
    """Latency and accuracy of every variant."""
    for row in c.rows:
        chosen = row.name == c.chosen.name
        colour = SHIPPED if chosen else FRONT if row.on_front else BEATEN
        x, y = row.measured.cost[1].p50, 100 * row.accuracy.value
        bars = [[y - 100 * row.accuracy.low], [100 * row.accuracy.high - y]]
        axis.errorbar([x], [y], yerr=bars, color=colour, lw=0.8, alpha=0.6, zorder=1)
        axis.scatter([x], [y], s=area(row.megabytes), color=colour, alpha=0.75, zorder=2, linewidths=0)
    for row, height in spread(c.rows):
        label = f"{row.name}, {row.megabytes:.1f} MB" + (" (shipped)" if row.name == c.chosen.name else "")
        x, y = row.measured.cost[1].p50, 100 * row.accuracy.value
        axis.annotate(
            label, (x, y), xytext=(1.02, height), textcoords="axes fraction", fontsize=7, va="center",
            color="black" if row.on_front or row.name == c.chosen.name else "#666666",
            arrowprops={"arrowstyle": "-", "lw": 0.3, "color": "#bbbbbb"},
        )  # fmt: skip
    best = sorted((r for r in c.rows if r.on_front), key=lambda r: r.measured.cost[1].p50)
    axis.plot(
        [r.measured.cost[1].p50 for r in best], [100 * r.accuracy.value for r in best], color=FRONT, lw=0.6, ls=":"
    )
    axis.set_xscale("log")
    axis.set_xlabel(
        "ms for one text, median, one core (logarithmic); area: size; coloured: no other is smaller, faster and better",
        fontsize=8,
    )
    axis.set_ylabel("accuracy, %, 95 % interval", fontsize=8)
    axis.set_title(
        f"{c.recipe.title}: {len(c.rows)} variants on {c.rows[0].accuracy.n} held-out texts", loc="left", fontsize=10
    )


def spread(rows: "list[Row]") -> "list[tuple[Row, float]]":
    """Rows with heights from 1 down to 0 for their labels, in the order of their accuracy: none covers another."""
    ordered = sorted(rows, key=lambda r: -r.accuracy.value)
    return [(r, 1 - i / max(1, len(ordered) - 1)) for i, r in enumerate(ordered)]


def thresholds(axis: Any, c: "Comparison") -> None:
    """Attacks caught at each variant's threshold, and the false alarms at that price."""
    rows = c.rows[::-1]
    for y, row in enumerate(rows):
        interval(axis, row.estimates["recall"], y, SHIPPED if row.name == c.chosen.name else CAUGHT, scale=100)
        alarms = f"{row.estimates['false_alarms'].value:.1%} of test, {row.estimates['own_false_alarms'].value:.1%} of own traffic"
        axis.annotate(
            f"benign flagged: {alarms}", (1.02, y), xycoords=("axes fraction", "data"), fontsize=7, va="center"
        )
    axis.set_yticks(range(len(rows)), [r.name for r in rows], fontsize=7)
    axis.set_ylim(-0.6, len(rows) - 0.4)
    axis.set_xlabel("attacks caught at the threshold, %, exact 95 % interval", fontsize=8)
