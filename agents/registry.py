"""What the agent can do to the registry. Training and comparing belong to the optimization room: its command line."""

import json
import subprocess
import sys
from typing import Any

from filelock import FileLock

from common.errors import EngineFailed
from common.settings import ROOT, settings
from common.tracking import mlflow_client


def optimization(*arguments: str) -> dict[str, Any]:
    """Run a command of the optimization room and read its JSON."""
    command = [sys.executable, "-m", "optimization", *arguments, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise EngineFailed(
            f"{' '.join(command[1:])} failed: {done.stderr.strip()[-500:]}",
            "read the message above; then `python -m agents resume`",
        )
    return dict(json.loads(done.stdout))


def retrain(domain: str, until: str) -> str:
    """Train a challenger on data up to `until`; the same date gives the same version again. Returns its number."""
    return str(optimization("champion", "--domain", domain, "--until", until, "--alias", "challenger")["version"])


def compare(domain: str, old: str, new: str, start: str, end: str) -> dict[str, Any]:
    """Brier scores of two versions on the days from `start` to `end`, with the paired difference."""
    return optimization("compare-champions", old, new, "--domain", domain, "--start", start, "--end", end)


def held(model: str) -> FileLock:
    """Nobody else of this kit moves a model's champion meanwhile."""
    return FileLock(settings().folder("locks") / f"champion-{model}.lock")


def champion_of(model: str) -> str:
    """The version that the alias `champion` names now."""
    return str(mlflow_client().get_model_version_by_alias(model, "champion").version)


def set_champion(model: str, version: str) -> None:
    """Point the alias `champion` at a version. Idempotent."""
    mlflow_client().set_registered_model_alias(model, "champion", version)
