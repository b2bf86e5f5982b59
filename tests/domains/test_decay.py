"""The analysis names the broken column, and names none where nothing is broken. On the real packs; minutes."""

import pytest

from domains import decay
from domains.pack import load

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def healthcare():
    return decay.analyse(load("healthcare"), resamples=40)


def test_the_broken_column_is_blamed(healthcare) -> None:
    assert healthcare.blamed == "age"
    whole, without = healthcare.without[""], healthcare.without["age"]
    assert whole[0].high < without[0].low  # the AUC without it is better beyond the intervals
    assert without[1] < whole[1] / 2


def test_only_the_broken_column_moved(healthcare) -> None:
    moved = {c for c, d in healthcare.shift.items() if max(d) > 0.2}
    assert moved == {"age"}


def test_tables_and_picture_are_made(healthcare, tmp_path) -> None:
    from domains.plot import decay as draw

    rows, blame = decay.table(healthcare), decay.blame(healthcare)
    assert rows[0]["window"] == "reference" and len(rows) == 11 and len(blame) == 9
    assert blame[0]["champion without"].startswith("(nothing") and blame[1]["champion without"] == "age"
    assert draw(load("healthcare"), healthcare, tmp_path / "d.png").stat().st_size > 20_000


def test_a_control_drifts_and_nothing_is_to_blame() -> None:
    pack = load("_controls/portal")
    found = decay.analyse(pack, resamples=40)
    assert found.blamed == "" and max(map(max, found.shift.values())) > 0.2
    tolerance = pack.config.monitor.tolerance
    assert not [m.label for m in found.later if m.gap.low > tolerance or m.gap.high < -tolerance]
