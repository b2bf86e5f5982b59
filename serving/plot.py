"""The serving picture: where the time of each answer went."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.plot import figure, save
from serving.answer import Cited


def timeline(answers: Sequence[Cited], engine: str, path: Path) -> Path:
    """Horizontal bars: waiting for the first token, then generating. PNG at `path`."""
    plot, axis = figure(height=0.55 * len(answers) + 1.6)
    rows = range(len(answers), 0, -1)
    first = [a.answer.ttft for a in answers]
    rest = [a.answer.seconds - a.answer.ttft for a in answers]
    axis.barh(rows, first, height=0.5, label="to the first token", color="#d95f02")
    axis.barh(rows, rest, left=first, height=0.5, label="generating", color="#1b9e77")
    for row, a in zip(rows, answers, strict=True):
        speed = a.answer.completion_tokens / max(a.answer.seconds - a.answer.ttft, 1e-9)
        axis.text(
            a.answer.seconds, row, f"  {a.answer.completion_tokens} tokens, {speed:.0f}/s", va="center", fontsize=8
        )
    axis.set_yticks(
        list(rows), [a.question if len(a.question) < 60 else a.question[:57] + "..." for a in answers], fontsize=8
    )
    axis.set_xlabel("seconds")
    axis.margins(x=0.25)
    axis.set_title(f"Where the time of an answer goes ({engine})", loc="left", fontsize=10)
    axis.legend(frameon=False, fontsize=8, loc="lower right")
    return save(plot, path)


def engines(parts: Sequence[Mapping[str, Any]], path: Path) -> Path:
    """Bars of tokens a second at 1, 4 and 16 streams, one group an engine, with every round as a dot. PNG at `path`."""
    plot, axis = figure(height=0.75 * len(parts) + 1.8)
    shades = {"1": "#a6bddb", "4": "#3690c0", "16": "#034e7b"}
    for row, part in enumerate(reversed(parts)):
        for place, (streams, colour) in enumerate(shades.items()):
            speeds = part["speed"][streams]
            y = row + 0.26 * (1 - place)
            axis.barh(y, statistics.median(speeds), height=0.24, color=colour)
            axis.plot(speeds, [y] * len(speeds), "k.", markersize=3)
    labels = [f"{p['name']}\nup in {min(p['starts']):.0f} s, {p['gib']:.1f} GiB" for p in reversed(parts)]
    axis.set_yticks(range(len(parts)), labels, fontsize=8)
    axis.set_xlabel("tokens a second, all streams together; dots are rounds")
    axis.set_title("The same model and prompts on two cores: 1, 4 and 16 streams", loc="left", fontsize=10)
    bars = [plot.get_axes()[0].barh(0, 0, color=c, label=f"{n} streams") for n, c in shades.items()]
    axis.legend(handles=bars, frameon=False, fontsize=8, loc="lower right")
    return save(plot, path)
