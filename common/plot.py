"""One look for every picture of the kit: matplotlib without a display, saved all or nothing."""

import io
from pathlib import Path
from typing import Any

from common import files
from common.contracts import Estimate


def figure(width: float = 9.0, height: float = 4.5, rows: int = 1, sharex: bool = True) -> tuple[Any, Any]:
    """(figure, axis or axes) without a display and without global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    plot = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(plot)
    axes = plot.subplots(rows, 1, sharex=sharex)
    for axis in [axes] if rows == 1 else axes:
        axis.spines[["top", "right"]].set_visible(False)
    return plot, axes


def interval(axis: Any, e: Estimate, y: float, color: str, scale: float = 1.0, **style: Any) -> None:
    """An estimate as a point with its 95 % interval, at height y."""
    whiskers = [[(e.value - e.low) * scale], [(e.high - e.value) * scale]]
    axis.errorbar([e.value * scale], [y], xerr=whiskers, color=color, **({"fmt": "o", "capsize": 3} | style))


def beside(axis: Any, y: float, text: str, size: int = 8) -> None:
    """A text to the right of the panel, at height y of its data."""
    axis.annotate(text, (1.01, y), xycoords=("axes fraction", "data"), fontsize=size, va="center")


def save(plot: Any, path: Path) -> Path:
    """Write a PNG without a time in it: the same data give the same bytes."""
    buffer = io.BytesIO()
    plot.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return files.write_bytes(path, buffer.getvalue())
