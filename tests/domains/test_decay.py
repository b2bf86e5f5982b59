"""The analysis names the broken column, and names none where nothing is broken. On the real packs; minutes."""

import pytest

from common.errors import BadInput
from domains import decay
from domains.pack import load

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def healthcare():
    return decay.analyse(load("healthcare"), resamples=40)


def test_the_broken_column_is_blamed(healthcare) -> None:
    assert healthcare.blamed == "age"
    whole, without = healthcare.without[""], healthcare.without["age"]
    assert whole.auc.high < without.auc.low  # the AUC without it is better beyond the intervals
    assert without.gap < whole.gap / 2 and without.mended.low > 0


def test_retraining_on_the_broken_column_makes_it_worse(healthcare) -> None:
    worst = max(healthcare.later, key=lambda m: abs(m.cure[0]))
    assert abs(worst.cure[0]) > 2 * abs(worst.gap.value) and worst.cure[1].low > 0


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


def test_a_template_with_one_input_and_a_pack_without_a_later_window(tmp_path) -> None:
    from domains.new import stamp
    from tests.domains.test_new import fill

    stamp(tmp_path / "mine")
    fill(tmp_path / "mine")
    found = decay.analyse(load(str(tmp_path / "mine")), resamples=20)
    assert found.blamed == "" and list(found.without) == [""] and len(found.later) == 3
    toml = tmp_path / "mine" / "pack.toml"
    toml.write_text(toml.read_text().replace('from = "2025-01-01"', 'from = "2026-01-01"'))
    with pytest.raises(BadInput, match="no window"):
        decay.analyse(load(str(tmp_path / "mine")), resamples=20)
