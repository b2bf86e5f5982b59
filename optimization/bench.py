"""Measure the optimization room: every variant of the guard, how far it carries, what distilling buys, the other recipes.

From nothing it trains for about two hours on two cores; what is trained already is found again, so an interrupted run
goes on. Costs are measured in the same run as quality, one process at a time: leave the machine alone meanwhile.
"""

import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from common import bench, console, environments
from common.contracts import Estimate
from common.settings import settings as shared
from domains.pack import load, names
from optimization import ablation, assistant, carry, champion, demo, plot, recipe, ship, site
from optimization.compare import LEXICAL, Row, latency
from optimization.config import settings
from optimization.recipe import Language, Text
from optimization.ship import Comparison
from optimization.wheelhouse import Machine

COMMAND = "make bench-optimization"
PICTURE = environments.ROOT / "docs" / "pictures" / "optimization.png"


def measure() -> dict[str, Any]:
    """Everything; writes benchmarks/optimization.json and the README's picture."""
    s, pack, guard = settings(), load(shared().domain), with_controls()
    language = recipe.load("assistant")
    terms = ablation.measure(guard, s)
    comparison = demo.compare(guard, pack, s, every=True)
    # where TF-IDF is shipped, a network all the same: it is what needs the runtime, and what may carry less far
    network = student_of(comparison) if comparison.chosen.name == LEXICAL else comparison.chosen
    unseen = carry.left_out(guard, network.name, s) + carry.in_the_wild(comparison, network.name, s)
    size = ship.bundle_of(replace(comparison, chosen=network), s.version, Machine.this()).stat().st_size / 1e6
    shipped = demo.ship_it(comparison, s.version, Machine.this())
    began = time.perf_counter()
    _, how = site.prove(Path(shipped["bundle"]), Path(shipped["key"]), ["a text to try it with"])
    console.say(f"installed and tried in {time.perf_counter() - began:.0f} s ({how})")
    plot.front(comparison, PICTURE)
    rows = [r.quality() for r in comparison.rows] + [r.costs() for r in comparison.rows] + unseen + terms
    rows += assistant.compare(language) if isinstance(language, Language) else []
    rows += [champion.against_scikit(load(name)) for name in names()]
    return bench.write("optimization", rows, goals(comparison, network, unseen, size, tampering()))


def with_controls() -> Text:
    """The guard's recipe and two students more: what the cut of the vocabulary costs, and what the teacher is worth."""
    guard = recipe.load_text("guard", 0)
    two = next(x for x in guard.students if x.name == "two")
    whole = two.model_copy(update={"name": f"{two.name}-whole", "vocabulary": 0, "forms": ()})
    alone = two.model_copy(update={"name": f"{two.name}-alone", "start": "base", "distilled": False, "forms": ()})
    return guard.model_copy(update={"students": (*guard.students, whole, alone)})


def tampering() -> tuple[int, int]:
    """(kinds of tampering refused with their controls, kinds tried), by the tests."""
    file = "tests/optimization/test_tampering.py"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", file], cwd=environments.ROOT, capture_output=True, text=True
    )
    found = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
    return found.get("passed", 0), sum(found.values())


def goal(name: str, text: str, e: Estimate, met: bool) -> dict[str, Any]:
    """A goal of this room's benchmark."""
    return bench.estimated(name, text, e, met, COMMAND)


def single(value: float, n: int = 1) -> Estimate:
    """A number that was seen once."""
    return Estimate(value=value, low=value, high=value, n=n)


def distilled(c: Comparison) -> list[Row]:
    """The rows of the recipe's own students, in every form."""
    names = {x.name for x in recipe.load_text("guard", 0).students}
    return [r for r in c.rows if r.name.split()[0] in names]


def student_of(c: Comparison) -> Row:
    """Of the students 15 times smaller and 10 times faster than the teacher, the one that keeps most on validation."""
    cheap = [r for r in distilled(c) if smaller(c, r) >= 15 and r.speedup.low >= 10]
    return max(cheap or distilled(c), key=lambda r: c.kept[r.name].value)


def smallest(c: Comparison, share: float) -> Row:
    """The smallest student that keeps `share` on validation (lower bound); where none does, the one that keeps most."""
    enough = [r for r in distilled(c) if c.kept[r.name].low >= share]
    return min(enough, key=lambda r: r.megabytes) if enough else max(distilled(c), key=lambda r: c.kept[r.name].value)


def smaller(c: Comparison, row: Row) -> float:
    """How many times smaller than the teacher in PyTorch."""
    return c.rows[0].megabytes / row.megabytes


def goals(
    c: Comparison, network: Row, unseen: list[dict[str, Any]], bundle: float, refused: tuple[int, int]
) -> list[dict[str, Any]]:
    """One a number that was asked for. Models are picked by the validation split, and reported on the test split."""
    student, tiny = student_of(c), smallest(c, 0.97)
    cost, shipped = c.chosen.measured.cost[1], c.chosen.name
    gaps = [
        parse(r["minus guardian"], r["attacks"]) for r in unseen if r["detector"] == shipped and r["minus guardian"]
    ]
    worst = min(gaps, key=lambda e: e.low)
    typical = latency(cost)
    cold = Estimate(
        value=float(np.median(cost.cold_starts)),
        low=float(cost.cold_starts.min()),
        high=float(cost.cold_starts.max()),
        n=len(cost.cold_starts),
    )
    return [
        goal("kept", f"student ({student.name}) keeps at least 98 % of the float32 PyTorch teacher's accuracy, lower bound", student.kept, student.kept.low >= 0.98),
        goal("faster", f"its median latency ({student.name}) is at least 10 times lower on one core", student.speedup, student.speedup.low >= 10),
        goal("smaller", f"it ({student.name}, with its tokenizer) is at least 15 times smaller", single(smaller(c, student)), smaller(c, student) >= 15),
        goal("smallest", f"the smallest student that keeps 97 % ({tiny.name}) has at most 8 MB", single(tiny.megabytes), tiny.megabytes <= 8 and tiny.kept.low >= 0.97),
        goal("bundle", f"bundle of a network ({network.name}) with the runtime's wheels: at most 75 MB", single(bundle), bundle <= 75),
        goal("cold-start", f"from nothing to a first answer ({shipped}): under 0.5 s, the slowest seen", cold, cold.high < 0.5),
        goal("tampering", f"tests of kinds of tampering with their controls that pass, of {refused[1]} (12 asked)", single(refused[0], refused[1]), refused[0] == refused[1] >= 12),
        goal("unseen", f"recall of the guard ({shipped}) at 1 % false alarms on unseen sources minus the public detector's, worst source", worst, worst.low > 0),
        goal("latency", f"guard ({shipped}): under 2 ms a prompt on one core, median (95th percentile: {cost.p95:.1f} ms)", typical, typical.high < 2),
    ]  # fmt: skip


def parse(text: str, n: int) -> Estimate:
    """An `Estimate` out of its text."""
    value, low, high = (float(x) for x in re.findall(r"-?\d+\.\d+", text))
    return Estimate(value=value, low=low, high=high, n=n)
