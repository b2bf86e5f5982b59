"""One look for every picture of the kit: matplotlib without a display, saved all or nothing."""

import io
from pathlib import Path
from typing import Any

from common import files


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


def save(plot: Any, path: Path) -> Path:
    """Write a PNG without a time in it: the same data give the same bytes."""
    buffer = io.BytesIO()
    plot.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return files.write_bytes(path, buffer.getvalue())
