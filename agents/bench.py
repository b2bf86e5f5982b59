"""Measure the agents room: what the ledger costs, and that eight racing approvers write one intent a round."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from agents.ledger import Ledger, move_once
from common import bench

ROUNDS, APPROVERS = 25, 8


def measure() -> dict[str, Any]:
    """Write benchmarks/agents.json."""
    with tempfile.TemporaryDirectory() as folder:
        ledger, places, intents = Ledger(Path(folder) / "ledger.db"), {n: "1" for n in range(ROUNDS)}, []
        began = time.perf_counter()
        with ThreadPoolExecutor(APPROVERS) as pool:
            for n in range(ROUNDS):
                asked = [str(2 + k) for k in range(APPROVERS)]
                intents += [
                    {
                        e.target
                        for e in pool.map(lambda target, key=str(n): ledger.intend(key, "1", target, target), asked)
                    }
                ]
        racing = time.perf_counter() - began
        began = time.perf_counter()
        for n in range(ROUNDS):
            target = intents[n].copy().pop()
            move_once(ledger, str(n), target, "x", partial(places.__getitem__, n), partial(places.__setitem__, n))
        moving = time.perf_counter() - began
    return bench.write("agents", [
        {"what": f"{APPROVERS} approvers at once, rounds with more than one intent", "value": sum(len(i) > 1 for i in intents), "n": ROUNDS},
        {"what": "an intent in the ledger, ms (8 at once)", "value": round(racing / ROUNDS / APPROVERS * 1000, 1), "n": ROUNDS * APPROVERS},
        {"what": "a move through the ledger, ms", "value": round(moving / ROUNDS * 1000, 1), "n": ROUNDS},
    ])  # fmt: skip
