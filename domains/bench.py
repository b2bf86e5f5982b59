"""Measure the packs: `make bench-domains`, about a quarter of an hour on two cores.

Retrieval of the proving passages on every pack, by words, by meaning, and both together, in one run; the time of loading
a pack in a process of its own; the check; and how each champion and each control decays (into the pack's own folder).
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from common import bench, console, stats
from common.contracts import Estimate
from common.encoder import minilm
from common.settings import ROOT
from domains import card, decay
from domains.check import check_path
from domains.forms import Question
from domains.pack import Pack, controls, load, names
from domains.retrieval import Index, fuse

RUNS = 15
LOAD = "from domains.pack import load; p = load('{}'); p.passages, p.questions, p.attacks, p.people"
COMMAND = "make bench-domains"
ASKED = {"author": "the author's words", "other": "other words"}


def ranks(index: Index, asked: Sequence[Question], other_words: bool = False) -> dict[str, list[tuple[int, int]]]:
    """method -> for each question, the rank of its best and of its worst proving passage, from 1."""
    found: dict[str, list[tuple[int, int]]] = {}
    for q in asked:
        scores = index.scores(q.other_words if other_words else q.question)
        scores["rank fusion"] = fuse(scores["lexical"], scores["dense"])
        for name, values in scores.items():
            order = [index.passages[i].id for i in np.argsort(-values, kind="stable")]
            at = [1 + order.index(p) for p in q.passages]
            found.setdefault(name, []).append((min(at), max(at)))
    return found


def retrieval(pack: Pack) -> tuple[list[dict[str, Any]], dict[str, tuple[Estimate, Estimate]]]:
    """(rows, asked in whose words -> recall at 5 of the default, its paired difference of reciprocal ranks to the better of its halves).

    One passage proves: single, table and false-premise questions; the best of those named counts. Two passages needed:
    multi; both must be among the five. Intervals: exact for recall, bootstrap by document for the reciprocal rank.
    """
    index = Index(pack.passages, minilm())
    rows: list[dict[str, Any]] = []
    told: dict[str, tuple[Estimate, Estimate]] = {}
    for words in ASKED:
        asked = [q for q in pack.questions if (q.other_words if words == "other" else q.passages)]
        one = np.array([q.kind != "multi" for q in asked])
        documents = np.array([q.passages[0].split("#")[0] for q in asked])[one]
        found = {name: np.array(at) for name, at in ranks(index, asked, words == "other").items()}
        for name, at in found.items():
            best, worst = at[one, 0], at[~one, 1]
            rows.append(
                {
                    "pack": pack.name,
                    "asked in": ASKED[words],
                    "retrieval by": name,
                    "recall at 5, one passage": str(stats.proportion(int((best <= 5).sum()), len(best))),
                    "MRR, one passage": str(stats.mean(1 / best, documents)),
                    "both of two in 5": str(stats.proportion(int((worst <= 5).sum()), len(worst)))
                    if len(worst)
                    else "-",
                    "questions": f"{len(best)} and {len(worst)}",
                }
            )
        hybrid = found["hybrid"][one, 0]
        half = max(("lexical", "dense"), key=lambda name: float(np.mean(1 / found[name][one, 0])))
        recall = stats.proportion(int((hybrid <= 5).sum()), len(hybrid))
        told[words] = (recall, stats.mean(1 / hybrid - 1 / found[half][one, 0], documents))
    return rows, told


def load_seconds(name: str) -> list[float]:
    """Wall times of a process that loads a pack, after one that warms the file cache."""
    times = []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", LOAD.format(name)], cwd=ROOT, check=True)
        times.append(time.perf_counter() - began)
    return times[1:]


def loss_alarms(found: decay.Decay, tolerance: float) -> Estimate:
    """Share of later windows whose whole interval of the calibration gap lies beyond the tolerance."""
    return stats.proportion(sum(m.gap.beyond(tolerance) for m in found.later), len(found.later))


def measure() -> dict[str, Any]:
    """Run everything; write benchmarks/domains.json, and decay.json, decay.png and the README of each pack."""
    rows: list[dict[str, Any]] = []
    goals: list[dict[str, Any]] = []

    def goal(name: str, text: str, seen: tuple[float, float, float], n: int, met: bool) -> None:
        shown = dict(zip(("value", "low", "high"), (round(v, 3) for v in seen), strict=True))
        goals.append({"id": name, "goal": text, **shown, "n": n, "met": met, "command": COMMAND})

    for name in names():
        pack = load(name)
        more, told = retrieval(pack)
        rows += more
        for words, (recall, better) in told.items():
            goal(
                f"recall-{name}-{words}", f"{name}, asked in {ASKED[words]}: recall at 5 of the shipped default: lower bound at least 0.90",
                (recall.value, recall.low, recall.high), recall.n, recall.low >= 0.9,
            )  # fmt: skip
            goal(
                f"default-{name}-{words}", f"{name}, asked in {ASKED[words]}: the default's reciprocal rank minus that of its better half: lower bound not below -0.05",
                (better.value, better.low, better.high), better.n, better.low >= -0.05,
            )  # fmt: skip
            console.say(f"{name}, {ASKED[words]}: recall at 5 {recall}")
        times = load_seconds(name)
        goal(
            f"load-{name}", f"{name}: loading in a process of its own: under 0.3 s",
            (float(np.median(times)), min(times), max(times)), len(times), float(np.median(times)) < 0.3,
        )  # fmt: skip
        console.say(f"{name}: loads in {np.median(times):.2f} s")
    checked = {name: len(check_path(name)) for name in [*names(), *controls()]}
    total = sum(checked.values())
    goal(
        "check",
        "findings of the checker on all packs and controls: none",
        (total, total, total),
        len(checked),
        not total,
    )
    sizes = [(load(n).folder / load(n).config.records.file).stat().st_size / 1e6 for n in [*names(), *controls()]]
    goal(
        "size",
        "records of a pack: under 3 MB",
        (float(np.median(sizes)), min(sizes), max(sizes)),
        len(sizes),
        max(sizes) < 3,
    )
    for name in [*names(), *controls()]:
        pack = load(name)
        found = decay.analyse(pack)
        card.record(pack, found)
        card.write(pack)
        rows.append(
            {
                "champion of": name,
                "AUC, reference": str(found.reference.auc),
                "AUC, all later rows": str(found.without[""].auc),
                "mean absolute gap later": f"{found.without[''].gap:.3f}",
                "windows with a loss": str(loss_alarms(found, pack.config.monitor.tolerance)),
                "windows": len(found.later),
                "to blame": found.blamed or "no single input",
            }
        )
    return bench.write("domains", rows, goals)
