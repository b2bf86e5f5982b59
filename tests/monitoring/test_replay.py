"""The replay on the real champion, in a home of its own."""

import numpy as np
import pytest

from common import tracking
from common.errors import BadInput, NotReady
from domains.pack import load
from monitoring import replay
from monitoring.config import MonitoringSettings
from optimization import champion
from tests.conftest import forget

QUICK = MonitoringSettings(RESAMPLES=100, HTML_FOR="none")


@pytest.fixture(scope="module")
def ready(make_home, finance):
    """A home with a registered champion, kept for this file."""
    import os

    before = os.environ.get("FIELDKIT_HOME")
    folder = make_home("replay")
    os.environ["FIELDKIT_HOME"] = str(folder)
    forget()
    made = champion.train(finance, finance.config.champion.train_until)
    champion.set_alias(made.name, "champion", made.version)
    yield folder
    os.environ.pop("FIELDKIT_HOME") if before is None else os.environ.update(FIELDKIT_HOME=before)
    forget()


class Short:
    """The finance pack, cut to a few years."""

    def __init__(self, pack, first: str, last: str):
        self._pack, self._first, self._last = pack, first, last
        self.config = pack.config.model_copy(
            update={"monitor": pack.config.monitor.model_copy(update={"start": first})}
        )

    def __getattr__(self, name: str):
        return getattr(self._pack, name)

    def records(self):
        table = self._pack.records()
        return table[(table["date"] <= "1987-01-01") | ((table["date"] >= self._first) & (table["date"] <= self._last))]


def test_2008_raises_an_alert_and_2006_does_not(ready, finance) -> None:
    run_id, windows, alerts, reference = replay.replay(Short(finance, "2006-01-01", "2008-12-31"), QUICK, "t1")
    assert [w.label for w in windows] == ["2006", "2007", "2008"]
    assert {w.label: w.verdict for w in windows}["2006"] == "none"
    (alert,) = alerts
    assert alert.window == "2008" and alert.verdict == "retrain" and "return_1d" in alert.drifted
    assert alert.current.low > finance.config.monitor.tolerance > abs(reference.gap.value)
    assert replay.alert_file(alert).exists()
    client = tracking.mlflow_client()
    run = client.get_run(alert.run_id)
    assert run.data.tags["verdict"] == "retrain" and run.data.tags["mlflow.parentRunId"] == run_id
    assert run.data.metrics["gap"] == pytest.approx(alert.current.value, abs=1e-3)


def test_a_replay_that_was_cut_off_goes_on_without_doubles(ready, finance) -> None:
    client = tracking.mlflow_client()

    def window_runs() -> list[str]:
        hits = client.search_runs([tracking.experiment("monitoring")], "tags.replay = 't2'")
        return sorted(h.data.tags["window"] for h in hits)

    replay.replay(Short(finance, "2013-01-01", "2013-12-31"), QUICK, "t2")
    assert window_runs() == ["2013"]
    replay.replay(Short(finance, "2013-01-01", "2014-12-31"), QUICK, "t2")
    assert window_runs() == ["2013", "2014"]


def test_false_alarms_are_counted_over_the_training_period(finance) -> None:
    found = replay.false_alarms(finance)
    assert found.n == 25 and found.value <= 0.2 and found.low <= found.value <= found.high


@pytest.mark.slow
@pytest.mark.parametrize(("name", "moved"), [("_controls/portal", 0.8), ("_controls/storms", 0.2)])
def test_a_control_drifts_and_never_calls_for_retraining(home, name, moved) -> None:
    """The inputs move and the performance stays: watch, and no more."""
    pack = load(name)
    made = champion.train(pack, pack.config.champion.train_until)
    champion.set_alias(made.name, "champion", made.version)
    _, windows, alerts, _ = replay.replay(pack, QUICK, "control")
    assert len(windows) >= 9 and {w.verdict for w in windows} <= {"none", "watch"} and alerts == []
    assert sum(w.verdict == "watch" for w in windows) >= moved * len(windows)


@pytest.mark.parametrize(
    ("drifted", "lost", "verdict"), [(0, 0, "none"), (1, 0, "watch"), (0, 1, "investigate_labels"), (1, 1, "retrain")]
)
def test_verdicts(drifted, lost, verdict) -> None:
    assert replay.decide(bool(drifted), bool(lost)) == verdict


def test_scoring_names_a_missing_column(ready, finance) -> None:
    found = replay.champion(finance)
    table = finance.records().head(20)
    assert np.all(
        (replay.probabilities(found.model, finance, table) > 0)
        & (replay.probabilities(found.model, finance, table) < 1)
    )
    with pytest.raises(BadInput, match="no column range_1d"):
        replay.probabilities(found.model, finance, table.drop(columns="range_1d"))


def test_no_champion_is_a_clear_error(home, finance) -> None:
    with pytest.raises(NotReady, match="no champion"):
        replay.champion(finance)


def test_evidently_writes_a_page(ready, finance, tmp_path) -> None:
    from monitoring import report

    table = finance.records()
    table["probability"] = replay.probabilities(replay.champion(finance).model, finance, table)
    a, b = table[table.date.dt.year == 1985], table[table.date.dt.year == 2008]
    assert 0 <= report.share(finance, a, b) <= 1
    page = report.page(finance, a, b, tmp_path / "page.html").read_text()
    assert "volatility_20d" in page and '<script src="http' not in page
