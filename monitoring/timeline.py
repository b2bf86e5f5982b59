"""The monitoring picture: calibration, ranking and drift over the windows, alerts marked."""

from collections.abc import Sequence
from pathlib import Path

from common.plot import figure, save
from domains.pack import Pack
from monitoring.performance import Performance
from monitoring.replay import Window

COLOURS = {"none": "#7f7f7f", "watch": "#e6ab02", "investigate_labels": "#7570b3", "retrain": "#d7301f"}
NAMES = {
    "none": "in order",
    "watch": "watch: drift only",
    "investigate_labels": "investigate labels: loss only",
    "retrain": "retrain: drift and loss",
}


def timeline(pack: Pack, windows: Sequence[Window], reference: Performance, path: Path) -> Path:
    """Three panels over one time axis. PNG at `path`."""
    plot, axes = figure(height=7.2, rows=3)
    x = list(range(len(windows)))
    gap, rank, share = axes
    for verdict, colour in COLOURS.items():
        at = [i for i in x if windows[i].verdict == verdict]
        values = [windows[i].performance.gap for i in at]
        spread = [[e.value - e.low for e in values], [e.high - e.value for e in values]]
        gap.errorbar(at, [e.value for e in values], yerr=spread, fmt="o", color=colour, capsize=2, label=NAMES[verdict])
    tolerance = pack.config.monitor.tolerance
    gap.axhspan(-tolerance, tolerance, color="#1b9e77", alpha=0.15, lw=0)
    gap.axhline(0, color="#333333", lw=0.8)
    gap.set_ylabel("observed rate minus\nmean probability", fontsize=8)
    gap.set_title(
        f"{pack.name}: the champion of {pack.config.champion.train_until}, {windows[0].label} to {windows[-1].label} (bars: 95 % block bootstrap)",
        loc="left",
        fontsize=10,
    )
    gap.legend(frameon=False, fontsize=7, ncols=4, loc="upper left", bbox_to_anchor=(0, 1.0))
    gap.set_ylim(top=max(w.performance.gap.high for w in windows) + 0.08)
    rank.plot(
        x,
        [w.performance.brier.value for w in windows],
        color="#333333",
        marker=".",
        label="Brier score of the champion",
    )
    rank.plot(
        x,
        [w.base_rate * (1 - w.base_rate) for w in (w.performance for w in windows)],
        color="#999999",
        ls="--",
        label="Brier score of the window's own base rate",
    )
    rank.axhline(reference.brier.value, color="#1b9e77", lw=1, label="reference")
    rank.set_ylabel("Brier score", fontsize=8)
    rank.legend(frameon=False, fontsize=7, loc="upper left", ncols=3)
    rank.set_ylim(0, 1.35 * max(w.performance.brier.value for w in windows))  # room for the legend
    columns = len(pack.features)
    share.bar(
        x,
        [len(w.drifted) / columns for w in windows],
        width=0.4,
        color="#d95f02",
        label=f"our tests: effective sample size, false discovery rate {pack.config.monitor.false_discovery_rate:.0%}",
    )
    share.plot(
        x,
        [w.evidently_share for w in windows],
        color="#7570b3",
        marker=".",
        lw=1,
        label="Evidently's defaults: a fixed distance, the same for every column",
    )
    share.set_ylabel("share of inputs\ncalled drifted", fontsize=8)
    share.set_ylim(0, 1.25)
    share.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"], fontsize=8)
    share.legend(frameon=False, fontsize=7, loc="upper left", ncols=2)
    step = -(-len(x) // 15)
    share.set_xticks(x[::step], [w.label for w in windows[::step]], fontsize=8)
    return save(plot, path)
