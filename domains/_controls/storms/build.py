"""Derive a control from `dplyr::storms` (MIT; the data are the US National Hurricane Center's HURDAT2, public domain).

Atlantic storms, 1975 to 2022, one observation in six hours; task: will the wind be stronger in six hours? More and other storms
are recorded since satellites see them, and what makes a storm grow is what it was: the inputs drift and the performance stays.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

SOURCES = ("storms",)
TARGET = "stronger"
STEP = 6  # hours between two observations of the main kind; landfalls and peaks in between are skipped


def derive(storms: "pd.DataFrame") -> "pd.DataFrame":
    """Raw observations -> time, inputs and target, one row an observation, oldest first. An observation without one six
    hours before or after it has no change or no label: it is left out."""
    import pandas as pd

    seen = storms.assign(time=pd.to_datetime(storms[["year", "month", "day", "hour"]]))
    seen = seen[seen["hour"] % STEP == 0].drop_duplicates(["name", "year", "time"])
    seen = seen.sort_values(["year", "name", "time"], ignore_index=True)
    of_storm = seen.groupby(["year", "name"], sort=False)
    step = pd.Timedelta(hours=STEP)
    table = seen[["time"]].copy()
    for raw, name in {"wind": "wind", "pressure": "pressure", "lat": "latitude", "long": "longitude"}.items():
        table[name] = seen[raw].astype("float32")
    for raw, name in {"wind": "wind_change", "pressure": "pressure_change", "lat": "latitude_change"}.items():
        table[name] = of_storm[raw].diff().astype("float32")
    season = 2 * np.pi * seen["time"].dt.dayofyear / 365.25
    table["season"] = (-np.cos(season)).round(4).astype("float32")
    table["status"] = seen["status"].astype(str)
    table[TARGET] = (of_storm["wind"].shift(-1) > seen["wind"]).astype("int8")
    whole = (of_storm["time"].diff() == step) & (-of_storm["time"].diff(-1) == step)
    return table[whole].sort_values("time", kind="stable", ignore_index=True)
