"""Where the champion's gap of 2008 comes from: `python -m domains.finance.regime`, seconds.

The days of 2008 are split by their 20-day volatility: beyond the 99th percentile of the training days, where trees can only repeat
the last leaf, and within it, where the champion has seen days like them. A gap within it is a relation that changed.
"""

import numpy as np

from common import console, stats
from common.contracts import Estimate
from domains.champion import fit, split
from domains.decay import scored
from domains.pack import load


def measure(year: int = 2008) -> tuple[Estimate, Estimate, Estimate]:
    """(share of the year's days beyond training, calibration gap there, calibration gap of the others), by blocks."""
    pack = load("finance")
    train, _ = split(pack, pack.config.champion.train_until)
    rows = pack.records().query("date.dt.year == @year")
    gap = rows[pack.config.records.target].to_numpy(float) - scored(fit(pack, train), rows)
    beyond = (rows["volatility_20d"] > train["volatility_20d"].quantile(0.99)).to_numpy()
    blocks = np.arange(len(rows)) // pack.config.champion.block
    return (
        stats.mean(beyond, blocks),
        stats.mean(gap[beyond], blocks[beyond]),
        stats.mean(gap[~beyond], blocks[~beyond]),
    )


if __name__ == "__main__":
    share, there, elsewhere = measure()
    console.say(f"2008: {share} of the days beyond training, gap there {there}, gap on the others {elsewhere}")
