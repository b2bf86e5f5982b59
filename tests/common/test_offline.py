import os
import subprocess
import sys

from common import offline


def test_switches_stand_before_any_library_loads() -> None:
    clean = {k: v for k, v in os.environ.items() if k not in offline.SWITCHES}
    script = "import common, os, json, sys; print(json.dumps(dict(os.environ)))"
    done = subprocess.run([sys.executable, "-c", script], env=clean, capture_output=True, text=True)
    import json

    assert json.loads(done.stdout).items() >= offline.SWITCHES.items()


def test_what_the_user_set_is_kept() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import common, os; print(os.environ['WANDB_MODE'])"],
        env=os.environ | {"WANDB_MODE": "online"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == "online"


def test_every_library_that_phones_home_has_a_switch() -> None:
    named = " ".join(offline.SWITCHES)
    for library in (
        "MLFLOW",
        "DEEPEVAL",
        "RAGAS",
        "DEEPTEAM",
        "CREWAI",
        "VLLM",
        "HF_HUB",
        "WANDB",
        "ORT_",
        "DO_NOT_TRACK",
    ):
        assert library in named
