"""Which alert the demo takes up, and what it does where there is none."""

import json

import pytest

from agents.demo import pick_alert
from common import files
from common.errors import NotReady
from domains.new import stamp
from tests.conftest import run_cli
from tests.domains.test_new import fill


@pytest.fixture
def quiet(home, tmp_path, monkeypatch):
    """A user's pack whose monitor has run and raised nothing."""
    folder = tmp_path / "quiet"
    stamp(folder)
    fill(folder)
    files.write_json(
        home / "monitoring" / "quiet.json", {"replay": "r", "version": "1", "finished": True, "alerts": []}
    )
    monkeypatch.setenv("DOMAIN", str(folder))
    from tests.conftest import forget

    forget()
    return folder


def test_a_quiet_monitor_leaves_nothing_to_decide(quiet) -> None:
    assert pick_alert(str(quiet), None) is None
    done = run_cli("agents", "demo", "--json")
    assert done.returncode == 0 and "nothing to decide" in done.stderr
    assert json.loads(done.stdout)["status"] == "no alert"


def test_an_alert_that_was_asked_for_and_is_not_there_is_an_error(quiet) -> None:
    with pytest.raises(NotReady, match="no alert for window 2025-02"):
        pick_alert(str(quiet), "2025-02")


def test_a_monitor_that_never_ran_is_an_error(quiet, home) -> None:
    (home / "monitoring" / "quiet.json").unlink()
    with pytest.raises(NotReady, match="no finished replay"):
        pick_alert(str(quiet), None)


def test_a_story_without_any_alert_leaves_nothing_to_decide(home) -> None:
    files.write_json(
        home / "monitoring" / "finance.json", {"replay": "r", "version": "1", "finished": True, "alerts": []}
    )
    assert pick_alert("finance", None) is None
