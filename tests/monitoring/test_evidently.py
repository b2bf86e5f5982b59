"""Evidently's view of a window, also where an input went dead or the target is no integer."""

import numpy as np
import pytest

from monitoring import report


@pytest.fixture(scope="module")
def frames(finance):
    table = finance.records().dropna(subset=[finance.config.records.target])
    table["probability"] = np.linspace(0.1, 0.9, len(table))
    return table.iloc[:1200].copy(), table.iloc[1200:1600].copy()


def test_an_input_that_went_dead_counts_as_drifted_and_stops_nothing(finance, frames, tmp_path) -> None:
    reference, current = frames
    before = report.share(finance, reference, reference.iloc[:400])
    dead = finance.config.records.numerical[0]
    gone = reference.iloc[:400].assign(**{dead: np.nan})
    assert report.share(finance, reference, gone) == pytest.approx(before + 1 / len(finance.features), abs=1e-9)
    assert report.share(finance, reference.assign(**{dead: np.nan}), gone) <= report.share(finance, reference, gone)
    page = report.page(finance, reference, current.assign(**{dead: np.nan}), tmp_path / "page.html")
    assert page.stat().st_size > 100_000


@pytest.mark.parametrize("kind", [float, bool])
def test_a_target_of_another_type_is_a_class_all_the_same(finance, frames, tmp_path, kind) -> None:
    target = finance.config.records.target
    reference, current = (frame.astype({target: kind}) for frame in frames)
    assert report.page(finance, reference, current, tmp_path / "page.html").stat().st_size > 100_000
