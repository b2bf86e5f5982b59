"""The picture of an incident: what the action changed, with intervals."""

from pathlib import Path
from typing import Any

from common.contracts import Estimate
from common.plot import figure, interval, save


def before_after(incident: str, outcome: dict[str, Any], path: Path) -> Path | None:
    """Paired Brier difference, challenger minus champion, on the incident's window and on the one after. PNG at `path`;
    None where the action compared nothing."""
    found = {
        "incident's window\n(decided)": outcome.get("incident_window"),
        "window after\n(verified)": outcome.get("after", {}).get("next_window"),
    }
    rows: list[tuple[str, dict[str, Any]]] = [(label, row) for label, row in found.items() if isinstance(row, dict)]
    if not rows:
        return None
    plot, axis = figure(height=2.6)
    for y, (_, row) in enumerate(rows):
        d = row["difference"]
        interval(axis, Estimate.model_validate(d), y, "#1b9e77")
        text = f"Brier {row['old']['value']:.3f} -> {row['new']['value']:.3f}  ({d['n']} days)"
        axis.annotate(text, (d["value"], y), xytext=(0, 8), textcoords="offset points", fontsize=8, ha="center")
    axis.axvline(0, color="#333333", lw=0.8)
    axis.set_yticks(range(len(rows)), [label for label, _ in rows], fontsize=8)
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.set_xlabel("challenger minus champion, paired, 95 % block bootstrap (left of zero: better)", fontsize=8)
    axis.set_title(
        f"{incident}: version {outcome['champion']} -> {outcome['challenger']}, {outcome['status']}",
        loc="left",
        fontsize=10,
    )
    return save(plot, path)
