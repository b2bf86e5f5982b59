"""Measure the monitoring room: how often it alarms where nothing changed, what it sees, and what a window costs."""

import time
from typing import Any

import numpy as np

from common import bench, stats
from common.contracts import Estimate
from common.settings import settings as shared
from domains.pack import Pack, load
from domains.periods import day_after, held_out
from monitoring import drift, report
from monitoring.replay import false_alarms

TRIALS = 60


def block_resample(table: Any, rows: int, block: int, random: np.random.Generator) -> Any:
    """A window of `rows` rows out of `table`, drawn in blocks of neighbouring ones."""
    starts = random.integers(0, len(table) - block, rows // block + 1)
    picked = (starts[:, None] + np.arange(block)).ravel()[:rows]
    return table.iloc[picked].reset_index(drop=True)


def rate(pack: Pack, change: float) -> tuple[Estimate, Estimate]:
    """(ours, Evidently's default verdict): how often a year drawn from the training period alarms, with `change` standard
    deviations added to `volatility_20d`-like columns (all volatilities)."""
    table, c, r = pack.records(), pack.config.champion, pack.config.records
    time, held = table[r.time], held_out(pack, table[r.time])
    reference = table[held].assign(probability=0.5)
    inside = table[(time >= c.train_from) & (time < day_after(c.train_until)) & ~held].assign(probability=0.5)
    random, ours, theirs = np.random.default_rng(0), 0, 0
    for trial in range(TRIALS):
        window = block_resample(inside, 250, 50, random)
        for column in [n for n in r.numerical if "volatility" in n]:
            window[column] += change * reference[column].std()
        columns = drift.compare(reference, window, r.numerical, r.categorical)
        ours += any(found.adjusted <= pack.config.monitor.false_discovery_rate for found in columns)
        if trial < 12:  # Evidently takes a third of a second a window
            theirs += report.share(pack, reference, window) >= 0.5
    return stats.proportion(ours, TRIALS), stats.proportion(theirs, 12)


def measure() -> dict[str, Any]:
    """Write benchmarks/monitoring.json."""
    pack = load(shared().domain)
    rows: list[dict[str, Any]] = []
    real = false_alarms(pack)
    rows.append(
        {
            "what": "real years of the training period",
            "our tests alarm": str(real),
            "Evidently's default alarms": "-",
            "n": f"{real.n}",
        }
    )
    for change in (0.0, 0.5, 1.0, 2.0):
        ours, theirs = rate(pack, change)
        rows.append(
            {
                "what": f"years drawn in blocks, volatilities + {change:g} sd",
                "our tests alarm": str(ours),
                "Evidently's default alarms": str(theirs),
                "n": f"{ours.n}, {theirs.n}",
            }
        )
    table = pack.records().assign(probability=0.5)
    a, b = table.tail(1500).head(1250), table.tail(250)
    for name, work in (
        ("our tests", lambda: drift.compare(a, b, pack.config.records.numerical, pack.config.records.categorical)),
        ("Evidently", lambda: report.share(pack, a, b)),
    ):
        work()
        began = time.perf_counter()
        for _ in range(5):
            work()
        rows.append({"what": f"one window, {name}", "seconds": round((time.perf_counter() - began) / 5, 3)})
    return bench.write("monitoring", rows)
