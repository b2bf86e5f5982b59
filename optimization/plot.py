"""The optimization picture: size and speed against quality, and the threshold's price."""

from collections.abc import Sequence
from pathlib import Path

from common.plot import beside, figure, interval, save
from optimization.guard import Variant


def variants(found: Sequence[Variant], path: Path) -> Path:
    """Two panels: paired accuracy difference to the teacher, and recall at the threshold. PNG at `path`."""
    plot, (top, bottom) = figure(height=5.6, rows=2, sharex=False)
    rows = list(found)[::-1]
    for y, v in enumerate(rows):
        interval(top, v.difference, y, "#1b9e77", scale=100)
        beside(top, y, f"{v.megabytes:.1f} MB, {v.latency_p50:.1f} ms")
        interval(bottom, v.recall, y, "#d95f02")
        alarms = f"{v.false_alarms.value:.1%} of test, {v.pack_false_alarms.value:.0%} of the pack's"
        beside(bottom, y, f"benign flagged: {alarms}")
    for axis in (top, bottom):
        axis.set_yticks(range(len(rows)), [v.name for v in rows], fontsize=8)
        axis.set_ylim(-0.5, len(rows) - 0.5)
    top.axvline(0, color="#333333", lw=0.8)
    top.set_xlabel("accuracy minus the teacher's, percentage points, paired, 95 % bootstrap", fontsize=8)
    top.set_title(f"Prompt-injection guard on {found[0].accuracy.n} held-out prompts", loc="left", fontsize=10)
    bottom.set_xlabel("attacks caught at the threshold for 1 % false alarms (exact 95 % interval)", fontsize=8)
    return save(plot, path)
