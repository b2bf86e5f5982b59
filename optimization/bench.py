"""Measure the optimization room: the guard's variants, paired on the held-out prompts."""

from typing import Any

from common import bench
from common.settings import settings as shared
from domains.pack import load
from optimization import guard
from optimization.config import settings


def measure(rows: int = 6000) -> dict[str, Any]:
    """Train the guard if it is not there, compare its variants, write benchmarks/optimization.json."""
    _, found = guard.compare(rows, load(shared().domain), settings())
    return bench.write("optimization", [
        {
            "variant": v.name, "MB": round(v.megabytes, 1), "ms, 1 prompt": round(v.latency_p50, 2), "accuracy": str(v.accuracy),
            "minus teacher": str(v.difference), "p (Holm)": round(v.p_value, 3), "AUC": str(v.auc), "caught at threshold": str(v.recall),
            "test false alarms": str(v.false_alarms), "the pack's": str(v.pack_false_alarms),
        }
        for v in found
    ])  # fmt: skip
