"""Days of a pack: what is held out of training, and the calendar windows that a monitor judges."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from domains.pack import Pack

if TYPE_CHECKING:
    import pandas as pd


def day_after(day: str) -> "pd.Timestamp":
    """The first moment after a day: `time < day_after(d)` takes the whole day in."""
    import pandas as pd

    return pd.Timestamp(day) + pd.Timedelta(days=1)


def held_out(pack: Pack, time: "pd.Series[pd.Timestamp]") -> "pd.Series[bool]":
    """Which rows lie in the pack's reference: never trained on, what drift and performance are compared with."""
    import pandas as pd

    mask = pd.Series(False, index=time.index)
    for period in pack.config.champion.reference:
        first, _, last = period.partition("/")
        mask |= (time >= pd.Timestamp(first)) & (time < day_after(last or first))
    return mask


def window_of(pack: Pack, day: "str | pd.Timestamp") -> "tuple[pd.Timestamp, pd.Timestamp]":
    """(first day, last day) of the calendar window that a day falls into."""
    import pandas as pd
    from pandas.tseries.frequencies import to_offset

    offset = to_offset(pack.config.monitor.window)
    first = pd.Timestamp(offset.rollback(pd.Timestamp(day).normalize()))
    return first, first + offset - pd.Timedelta(days=1)


def last_day_before(pack: Pack, day: "str | pd.Timestamp") -> str:
    """The day before the window that a day falls into: where a retraining ends that keeps the window for the comparison."""
    import pandas as pd

    return str((window_of(pack, day)[0] - pd.Timedelta(days=1)).date())


def windows(pack: Pack, table: "pd.DataFrame") -> "Iterator[tuple[str, pd.DataFrame]]":
    """(label, rows) of each calendar window with at least `monitor.min_rows` rows, oldest first. The label is the year of a
    yearly window, the month of a monthly one, else its first day."""
    import pandas as pd

    m, time = pack.config.monitor, pack.config.records.time
    form = {"YS": "%Y", "MS": "%Y-%m"}.get(m.window, "%Y-%m-%d")
    for begin, rows in table.groupby(pd.Grouper(key=time, freq=m.window, closed="left", label="left")):
        if len(rows) >= m.min_rows:
            yield pd.Timestamp(str(begin)).strftime(form), rows
