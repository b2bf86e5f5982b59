"""The serving picture: where the time of each answer went."""

from collections.abc import Sequence
from pathlib import Path

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
