"""A pack's picture: how its champion decays, and which input moved."""

from pathlib import Path
from typing import Any

import numpy as np

from common.plot import figure, save
from domains.decay import Decay
from domains.pack import Pack

BLUE, GREEN, RED, GREY = "#1f78b4", "#1b9e77", "#d95f02", "#7f7f7f"


def decay(pack: Pack, found: Decay, path: Path) -> Path:
    """Three panels over the windows: ranking, calibration, and each input's distance from the reference. PNG at `path`."""
    plot, (rank, level, inputs) = figure(width=10, height=8.6, rows=3)
    x = np.arange(len(found.later))
    blamed = found.blamed
    for axis, of, label in ((rank, "auc", "champion"), (level, "gap", "champion")):
        values = [getattr(m, of) for m in found.later]
        spread = [[e.value - e.low for e in values], [e.high - e.value for e in values]]
        axis.errorbar(x, [e.value for e in values], yerr=spread, fmt="o", color=BLUE, capsize=2, ms=4, label=label)
        reference = getattr(found.reference, of)
        axis.axhspan(reference.low, reference.high, color=GREEN, alpha=0.15, lw=0, label="reference, 95 %")
    rank.plot(
        x, [m.signal.value for m in found.later], color=GREY, ls="--", marker=".", lw=1,
        label="the same recipe, cross-validated inside the window",
    )  # fmt: skip
    rank.axhline(0.5, color="#333333", lw=0.6)
    rank.set_ylabel("AUC", fontsize=8)
    first, last = found.later[0].label, found.later[-1].label
    rank.set_title(
        f"{pack.name}: trained to {pack.config.champion.train_until}, watched from {first} to {last} (bars: 95 % block bootstrap)",
        loc="left", fontsize=10,
    )  # fmt: skip
    if blamed:
        rank.plot(x, found.without[blamed].aucs, color=RED, marker="s", ms=4, lw=1, label=f"champion without {blamed}")
        level.plot(x, found.without[blamed].gaps, color=RED, marker="s", ms=4, lw=1, label=f"champion without {blamed}")
    tolerance = pack.config.monitor.tolerance
    for edge in (-tolerance, tolerance):
        level.axhline(edge, color="#333333", lw=0.6, ls=":", label=f"tolerance {tolerance:g}" if edge > 0 else None)
    level.axhline(0, color="#333333", lw=0.6)
    level.set_ylabel("observed rate minus\nmean probability", fontsize=8)
    for axis, room in ((rank, 0.12), (level, 0.25)):
        low, high = axis.get_ylim()
        axis.set_ylim(low, high + room * (high - low) + 0.02)
        axis.legend(frameon=False, fontsize=7, loc="upper left", ncols=4)
    heat(pack, found, inputs)
    step = -(-len(x) // 12)
    inputs.set_xticks(x[::step], [m.label for m in found.later[::step]], fontsize=8)
    return save(plot, path)


def heat(pack: Pack, found: Decay, axis: Any) -> None:
    """Inputs by windows, dark where an input has left the reference."""
    grid = np.array([found.shift[c] for c in pack.features])
    axis.imshow(grid, aspect="auto", cmap="Blues", vmin=0, vmax=1)
    axis.set_yticks(range(len(pack.features)), pack.features, fontsize=7)
    axis.set_title("distance of each input from the reference (0 equal, 1 apart)", loc="left", fontsize=8)
    if grid.shape[1] <= 12:
        for (row, column), value in np.ndenumerate(grid):
            colour = "white" if value > 0.6 else "#333333"
            axis.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=6, color=colour)
