"""Bad input: exit code 2, and the message ends with the mend."""

import json

import pytest

from tests.conftest import run_cli

BAD = [
    (["domains", "check", "no-such-pack"], "no domain pack"),
    (["optimization", "champion", "--domain", "no-such-pack"], "no domain pack"),
    (["optimization", "champion", "--until", "1962-03-01"], "training rows"),
    (["optimization", "champion", "--until", "yesterday-ish"], "is not a date"),
    (["optimization", "verify", "README.md", "--key", "README.md"], "is not a whole bundle"),
    (["agents", "show", "no-such-incident"], "no incident"),
    (["agents", "open", "no-such-file.json"], "cannot read"),
    (["agents", "approve", "no-such-incident", "--as", ""], "an approval is personal"),
    (["monitoring", "alerts"], "cannot read"),
    (["monitoring", "demo"], "the registry has no champion"),
    (["serving", "ask", " "], "the question is empty"),
    (["serving", "run"], "no command to run"),
    (["evaluation", "gate", "--baseline", "v1", "--candidate", "v99"], "no prompt v99"),
    (["common.models", "get", "no-such-model"], "no model"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[" ".join(a)[:40] for a, _ in BAD])
def test_bad_input_exits_with_2_and_a_mend(home, arguments, message) -> None:
    done = run_cli(*arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr and "mend:" in done.stderr
    assert "Traceback" not in done.stderr and done.stdout == ""


def test_bad_settings_are_named(home) -> None:
    done = run_cli("serving", "status", env={"ENGINE": "warp"})
    assert done.returncode == 2 and "ENGINE" in done.stderr and "mend:" in done.stderr


def test_json_goes_to_stdout_alone() -> None:
    done = run_cli("domains", "list", "--json")
    assert json.loads(done.stdout)["finance"]["questions"] >= 100
