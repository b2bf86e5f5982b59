"""Derive the finance pack's records from the daily S&P 500 prices of the R package gt.

The package is MIT; whose the index levels are is another matter (S&P claims them, and the package names no source). So the records
are built on the user's machine at set-up and not shipped.

Every input is known at the close of its day; the target looks one trading day ahead. The first 250 days lack a full
history and the last day has no label: they are left out.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

SOURCES = ("sp500",)
TARGET = "large_move"


def derive(prices: "pd.DataFrame") -> "pd.DataFrame":
    """Daily prices (date, open, high, low, close, volume) in any order -> date, close, inputs and target, one row a day,
    oldest first, float32."""
    import pandas as pd

    prices = prices.assign(date=pd.to_datetime(prices["date"])).sort_values("date", ignore_index=True)
    close, volume = prices["close"], prices["volume"].astype(float)
    returns = np.log(close).diff()
    span = (prices["high"] - prices["low"]) / close
    table = pd.DataFrame({"date": prices["date"]})
    table["close"] = close.astype("float32")
    for days in (1, 5, 20):
        table[f"return_{days}d"] = np.log(close).diff(days)
    for days in (5, 20, 60):
        table[f"volatility_{days}d"] = returns.rolling(days).std()
    table["range_1d"] = span
    table["range_10d"] = span.rolling(10).mean()
    table["volume_ratio"] = volume / volume.rolling(60).mean()
    table["drawdown_250d"] = close / close.rolling(250).max() - 1
    table["weekday"] = table["date"].dt.day_name().str[:3]
    table[TARGET] = (close.pct_change().shift(-1).abs() > 0.01).astype("int8")
    floats = table.select_dtypes("float64").columns
    table[floats] = table[floats].astype("float32")
    return table.iloc[250:-1].reset_index(drop=True)
