"""Derive `records.parquet` from the daily S&P 500 prices of the R package gt (MIT licence).

    python -m domains.finance.build PRICES.parquet     (columns: date, open, high, low, close, volume)

Every input is known at the close of its day; the target looks one trading day ahead. The first 250 days lack a full
history and the last day has no label: they are left out.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

TARGET = "large_move"


def derive(prices: pd.DataFrame) -> pd.DataFrame:
    """Daily prices, oldest first -> date, close, inputs and target; one row a day, float32."""
    close, volume = prices["close"], prices["volume"].astype(float)
    returns = np.log(close).diff()
    span = (prices["high"] - prices["low"]) / close
    table = pd.DataFrame({"date": pd.to_datetime(prices["date"])})
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


if __name__ == "__main__":
    derive(pd.read_parquet(sys.argv[1])).to_parquet(
        Path(__file__).with_name("records.parquet"), index=False, compression="zstd"
    )
