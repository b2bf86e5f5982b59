"""Public detectors that come with their weights, measured on the same prompts: what the guard must beat.

guardian   securevector-guardian-model 1.4.0 (Apache-2.0): a linear model in JSON, run out of its wheel with windows and
           decoding as its makers do it; standard library only, in a process of its own
one regex  for scale
Left out: metatronnanoguard (its tokenizer is a pickle, which this kit does not open), and those whose weights are on a hub.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from common import console, files, models
from common.errors import NotReady

WORDS = re.compile(
    r"ignore (all|any|the|your|previous)|disregard (all|any|the|your|previous)|system prompt|developer mode|jailbreak"
    r"|do anything now|\bDAN\b|no restrictions|unfiltered",
    re.IGNORECASE,
)
SCORE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from svguardian.model.pure_infer import PureGuardian
from svguardian.window import predict_windowed
guardian = PureGuardian.load(sys.argv[1] + "/svguardian/_runtime/guardian.runtime.json.gz")
json.dump([predict_windowed(guardian, text)["malicious_score"] for text in json.load(open(sys.argv[2]))], sys.stdout)
"""


def regex(texts: list[str]) -> NDArray[np.float64]:
    """1 where the line matches. Shape (n,)."""
    return np.array([float(bool(WORDS.search(t))) for t in texts])


def guardian(texts: list[str]) -> NDArray[np.float64]:
    """Scores, shape (n,). NotReady where its wheel cannot be fetched."""
    package = models.get("guardian")
    with TemporaryDirectory() as folder, console.console().status(f"guardian on {len(texts)} prompts"):
        source = files.write_json(Path(folder) / "texts.json", texts)
        done = subprocess.run(
            [sys.executable, "-I", "-c", SCORE, str(package), str(source)], capture_output=True, text=True
        )
    if done.returncode:
        raise NotReady(f"guardian did not run: {done.stderr.strip()[-300:]}", "python -m common.models get guardian")
    return np.array(json.loads(done.stdout))
