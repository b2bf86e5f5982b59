"""Derive a control from the Portal Project's teaching database (ratdat::complete; the data are CC0).

Rodents caught in Arizona, 1977 to 1992; task: is the animal male, from its measurements? The mix of species changes from year to
year, and what tells a male from a female does not: the inputs drift and the performance stays.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SOURCES = ("portal",)
TARGET = "male"
LAST, TRAINED, RARE = 1992, 1983, 50


def derive(caught: "pd.DataFrame") -> "pd.DataFrame":
    """Raw captures -> date, inputs and target, one row an animal, oldest first."""
    import pandas as pd

    date = pd.to_datetime(caught[["year", "month", "day"]], errors="coerce")  # the source has a 31 April
    kept = caught["sex"].isin(["M", "F"]) & caught["weight"].notna() & caught["hindfoot_length"].notna()
    rows = caught.assign(date=date)[kept & date.notna() & (caught["year"] <= LAST)]
    rows = rows.sort_values(["date", "record_id"], ignore_index=True)
    counts = rows.loc[rows["year"] <= TRAINED, "species_id"].value_counts()
    table = rows[["date"]].copy()
    table["weight"] = rows["weight"].astype("float32")
    table["hindfoot"] = rows["hindfoot_length"].astype("float32")
    table["species"] = rows["species_id"].where(rows["species_id"].isin(counts[counts >= RARE].index), "other")
    table["plot"] = rows["plot_type"]
    table[TARGET] = (rows["sex"] == "M").astype("int8")
    return table
