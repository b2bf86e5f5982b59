"""Measure the optimization room: every variant of the guard, how far it carries, what distilling buys, the other recipes.

From nothing it trains for an hour and a half on two cores; what is trained already is found again, so an interrupted run
goes on. Costs are measured in the same run as quality, one process at a time: leave the machine alone meanwhile.
"""

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from common import bench, console, environments
from common.contracts import Estimate
from common.settings import settings as shared
from domains.pack import load, names
from optimization import ablation, assistant, carry, champion, demo, plot, recipe, site
from optimization.config import settings
from optimization.recipe import Language, Text
from optimization.ship import Comparison
from optimization.wheelhouse import Machine

COMMAND = "make bench-optimization"
PICTURE = environments.ROOT / "docs" / "pictures" / "optimization.png"


def measure() -> dict[str, Any]:
    """Everything; writes benchmarks/optimization.json and the README's picture."""
    s, pack, guard = settings(), load(shared().domain), with_whole_vocabulary()
    language = recipe.load("assistant")
    terms = ablation.measure(guard, s)
    unseen = carry.left_out(guard, s)
    comparison = demo.compare(guard, pack, s, every=True)
    unseen += carry.in_the_wild(comparison, s)
    shipped = demo.ship_it(comparison, s.version, Machine.this())
    began = time.perf_counter()
    _, how = site.prove(Path(shipped["bundle"]), Path(shipped["key"]), ["a text to try it with"])
    console.say(f"installed and tried in {time.perf_counter() - began:.0f} s ({how})")
    plot.front(comparison, PICTURE)
    rows = [r.quality() for r in comparison.rows] + [r.costs() for r in comparison.rows] + unseen + terms
    rows += assistant.compare(language) if isinstance(language, Language) else []
    rows += [champion.against_scikit(load(name)) for name in names()]
    return bench.write("optimization", rows, goals(comparison, unseen, shipped["megabytes"], tampering()))


def with_whole_vocabulary() -> Text:
    """The guard's recipe and one student more: what the cut of the vocabulary costs."""
    guard = recipe.load_text("guard", 0)
    two = next(x for x in guard.students if x.name == carry.STUDENT)
    whole = two.model_copy(update={"name": f"{two.name}-whole", "vocabulary": 0, "forms": ()})
    return guard.model_copy(update={"students": (*guard.students, whole)})


def tampering() -> tuple[int, int]:
    """(kinds of tampering refused with their controls, kinds tried), by the tests."""
    file = "tests/optimization/test_tampering.py"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", file], cwd=environments.ROOT, capture_output=True, text=True
    )
    found = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
    return found.get("passed", 0), sum(found.values())


def goal(name: str, text: str, e: Estimate, met: bool) -> dict[str, Any]:
    """A goal in the form of the kit's benchmarks."""
    value, low, high = (float(f"{x:.4g}") for x in (e.value, e.low, e.high))
    return {
        "id": name,
        "goal": text,
        "value": value,
        "low": low,
        "high": high,
        "n": e.n,
        "met": bool(met),
        "command": COMMAND,
    }


def single(value: float, n: int = 1) -> Estimate:
    """A number that was seen once."""
    return Estimate(value=value, low=value, high=value, n=n)


def goals(c: Comparison, unseen: list[dict[str, Any]], bundle: float, refused: tuple[int, int]) -> list[dict[str, Any]]:
    """One a number that was asked for. The student is the one that best serves all three of its goals together."""
    teacher, students = (
        c.rows[0],
        [r for r in c.rows if r.measured.candidate.runtime == "shipped" and r.name != "teacher"],
    )
    distilled = [r for r in students if r.name.split()[0] in {x.name for x in c.recipe.students}]
    student = max(
        distilled,
        key=lambda r: (
            (r.kept.low >= 0.98) + (r.speedup.low >= 10) + (teacher.megabytes / r.megabytes >= 15) + r.kept.low
        ),
    )
    smallest = min((r for r in distilled if r.kept.low >= 0.97), key=lambda r: r.megabytes, default=student)
    shipped = c.chosen.measured.cost[1]
    gaps = {
        r["unseen source"]: parse(r["minus guardian"])
        for r in unseen
        if r["detector"].startswith((carry.STUDENT, c.chosen.name)) and r["minus guardian"]
    }
    worst = min(gaps.values(), key=lambda e: e.low)
    smaller = teacher.megabytes / student.megabytes
    return [
        goal("kept", f"student ({student.name}) keeps at least 98 % of the float32 PyTorch teacher's accuracy, lower bound", student.kept, student.kept.low >= 0.98),
        goal("faster", f"its median latency ({student.name}) is at least 10 times lower on one core", student.speedup, student.speedup.low >= 10),
        goal("smaller", f"it ({student.name}, with its tokenizer) is at least 15 times smaller", single(smaller), smaller >= 15),
        goal("smallest", f"the smallest student that keeps 97 % ({smallest.name}): at most 8 MB", single(smallest.megabytes), smallest.megabytes <= 8 and smallest.kept.low >= 0.97),
        goal("bundle", "bundle with the runtime's wheels: at most 75 MB", single(bundle), bundle <= 75),
        goal("cold-start", f"from nothing to a first answer ({c.chosen.name}): under 0.5 s", single(shipped.cold_start), shipped.cold_start < 0.5),
        goal("tampering", f"of {refused[1]} tests of tampering kinds and their controls, all pass (12 asked)", single(refused[0], refused[1]), refused[0] == refused[1] >= 12),
        goal("unseen", "recall at 1 % false alarms on unseen sources above the public detector's, worst source", worst, worst.low > 0),
        goal("latency", f"guard ({c.chosen.name}): under 2 ms a prompt on one core, 95th percentile", Estimate(value=shipped.p50, low=shipped.p50, high=shipped.p95, n=len(shipped.latencies)), shipped.p95 < 2),
    ]  # fmt: skip


def parse(text: str) -> Estimate:
    """An `Estimate` out of its text."""
    value, low, high = (float(x) for x in re.findall(r"-?\d+\.\d+", text))
    return Estimate(value=value, low=low, high=high, n=0)
