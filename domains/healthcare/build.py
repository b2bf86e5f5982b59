"""Derive the healthcare pack's records from `medicaldata::covid_testing` (MIT licence).

15,524 SARS-CoV-2 tests of the Children's Hospital of Philadelphia, anonymized, time-shifted and permuted by its makers.
Kept: what is known when the test is ordered. Left out: the cycle threshold, both turnaround times and the invalid
results, all of which come with or after the result; names (they were made up) and the subject's number.
Day 0 of the source has no date; it is set to Monday 2 March 2020, so that a calendar week is a week of the source.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SOURCES = ("covid_testing",)
TARGET = "positive"
DAY_0 = "2020-03-02"
TRAINED = 41  # last day of the training period: categories are decided on it, never on what came later
RARE = 25  # tests of a clinic or class in the training period, below which it is "other"


def derive(tests: "pd.DataFrame") -> "pd.DataFrame":
    """Raw tests -> date, inputs and target, one row a test, oldest first."""
    import pandas as pd

    tests = tests[tests["result"].isin(["positive", "negative"])].sort_values(
        "pan_day", kind="stable", ignore_index=True
    )
    early = tests["pan_day"] <= TRAINED
    table = pd.DataFrame({"date": pd.Timestamp(DAY_0) + pd.to_timedelta(tests["pan_day"], unit="D")})
    table["age"] = tests["age"].astype("float32")
    table["drive_through"] = tests["drive_thru_ind"].map({1: "yes", 0: "no"})
    table["order_set"] = tests["orderset"].map({1: "yes", 0: "no"})
    for name, source in {
        "gender": "gender",
        "clinic": "clinic_name",
        "group": "demo_group",
        "payor": "payor_group",
        "patient_class": "patient_class",
    }.items():
        values = tests[source].fillna("not recorded")
        counts = values[early].value_counts()
        table[name] = values.where(values.isin(counts[counts >= RARE].index), "other")
    table[TARGET] = (tests["result"] == "positive").astype("int8")
    return table
