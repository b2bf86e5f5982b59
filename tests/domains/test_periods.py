import pandas as pd
import pytest

from domains.pack import load, names
from domains.periods import held_out, window_of, windows


@pytest.mark.parametrize(
    ("name", "day", "first", "last"),
    [
        ("finance", "2008-06-15", "2008-01-01", "2008-12-31"),
        ("finance", "2008-01-01", "2008-01-01", "2008-12-31"),
        ("climate", "2013-07-31 23:00", "2013-07-01", "2013-07-31"),
        ("healthcare", "2020-04-19", "2020-04-13", "2020-04-19"),
    ],
)
def test_a_day_falls_into_its_calendar_window(name, day, first, last) -> None:
    assert [str(d.date()) for d in window_of(load(name), day)] == [first, last]


def test_quarters_are_windows_too(finance) -> None:
    class Quarters:
        config = finance.config.model_copy(
            update={"monitor": finance.config.monitor.model_copy(update={"window": "QS"})}
        )

    assert [str(d.date()) for d in window_of(Quarters(), "2008-05-15")] == ["2008-04-01", "2008-06-30"]


@pytest.mark.parametrize("name", names())
def test_windows_are_calendar_windows_labelled_by_their_beginning(name) -> None:
    pack = load(name)
    table, time = pack.records(), pack.config.records.time
    seen = list(windows(pack, table))
    for label, rows in seen:
        first, last = window_of(pack, rows[time].iloc[0])
        assert str(first.date()).startswith(label)
        assert (rows[time] >= first).all() and (rows[time] < last + pd.Timedelta(days=1)).all()
        assert len(rows) >= pack.config.monitor.min_rows
    assert [label for label, _ in seen] == sorted(label for label, _ in seen)


@pytest.mark.parametrize("name", names())
def test_the_reference_lies_in_the_training_period_and_is_whole_days(name) -> None:
    pack = load(name)
    table, c = pack.records(), pack.config.champion
    time = table[pack.config.records.time]
    held = held_out(pack, time)
    assert 0.1 < held[(time >= c.train_from) & (time < pd.Timestamp(c.train_until) + pd.Timedelta(days=1))].mean() < 0.4
    assert not set(time[held].dt.date) & set(time[~held].dt.date)
    assert time[held].min() >= pd.Timestamp(c.train_from)


def test_the_story_of_each_pack_is_one_of_its_windows() -> None:
    for name in names():
        pack = load(name)
        table = pack.records()
        later = table[table[pack.config.records.time] >= pack.config.monitor.start]
        assert pack.config.monitor.story in [label for label, _ in windows(pack, later)]
