"""The suites as pytest files: they run on any endpoint, name what fails, and an advisory judge fails nothing."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from evaluation import for_deepeval
from evaluation.checks import test_hallucination
from tests.conftest import ROOT


def test_the_checks_run_and_name_what_fails(home, echo_url) -> None:
    env = os.environ | {"LLM_URL": echo_url, "JUDGE": "token-overlap", "DOMAIN": "finance"}
    command = [sys.executable, "-m", "pytest", "evaluation/checks", "-q", "--every", "25", "-p", "no:randomly"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]
    assert "test_it_misses_its_goal" in done.stdout and "passed" in done.stdout
    assert "FAILED evaluation/checks/test_hallucination.py::test_the_judge_finds_it_grounded" not in done.stdout
    assert "advisory (never compared with people on finance)" in done.stdout


@pytest.mark.parametrize("answer", ["The documents don't say.", "", "..."])
def test_the_judge_is_not_asked_about_an_answer_that_asserts_nothing(answer) -> None:
    asked = SimpleNamespace(test=for_deepeval.test_case("What is the limit?", answer, ["The limit is 6 million."]))
    with pytest.raises(pytest.skip.Exception):
        test_hallucination.test_the_judge_finds_it_grounded(None, lambda question: asked, {}, None)
