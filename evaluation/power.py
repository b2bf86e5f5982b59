"""What the gate can see, and how often it cries wolf: releases are simulated and put through the gate itself.

A simulated release has `cases` paired cases in each of the four gated metrics. In the null releases `flips` of the cases change
their verdict, one way as often as the other; in the worse ones, the same share does in one metric, and its pass rate falls by
`drop`. The other three go on as in the null. A block of any metric counts as false in the first and as seen in the second.

Where cases share a document, some of them fare as it does: a passage that a release misreads costs all the questions about it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from common import console, stats
from common.contracts import Estimate
from common.errors import BadInput
from domains.pack import Pack
from evaluation.gate import GATED, decide
from evaluation.score import EXACT, Scores

ALIKE = 0.3  # an assumption, nobody has measured it: two cases of one document then correlate by .09


@dataclass(frozen=True)
class Power:
    """seen: share of worse releases that were blocked. false: share of null releases that were."""

    seen: Estimate
    false: Estimate


def simulate(
    pack: Pack, cases: int = 250, flips: float = 0.07, drop: float = 0.05, releases: int = 1000, base: float = 0.85,
    per_group: int = 1, alike: float = ALIKE, seed: int = 0,
) -> Power:  # fmt: skip
    """base: pass rate of the release in production. per_group: cases that share a document, alike: share of those that fare as
    their document does. BadInput where no such case exists."""
    if not 0 < drop <= flips or base - (flips + drop) / 2 < 0 or base + (flips - drop) / 2 > 1:
        raise BadInput(
            f"a pass rate of {base} cannot fall by {drop} with {flips} of the cases changed",
            "0 < --drop <= --flips, and less than the pass rate",
        )
    random = np.random.default_rng(seed)
    groups = {str(i): str(i // per_group) for i in range(cases)}
    blocked: dict[str, int] = {}
    with console.progress(f"{2 * releases} simulated releases of {cases} cases", 2 * releases) as advance:
        for kind, fall in (("null", 0.0), ("worse", drop)):
            for _ in range(releases):
                falls = dict.fromkeys(GATED, 0.0) | {GATED[0]: fall}
                old, new = scores(dict(pairs(random, cases, base, flips, falls, per_group, alike)), groups)
                decision = decide(pack, "old", "new", old, new, "simulated")
                blocked[kind] = blocked.get(kind, 0) + (decision.verdict == "block")
                advance(1)
    return Power(*(stats.proportion(blocked[kind], releases) for kind in ("worse", "null")))


Pair = tuple[np.ndarray, np.ndarray]


def pairs(
    random: np.random.Generator, cases: int, base: float, flips: float, falls: dict[str, float], per_group: int = 1, alike: float = ALIKE,
) -> Iterator[tuple[str, Pair]]:  # fmt: skip
    """metric -> (passed before, passed after)."""
    place = np.arange(cases) // per_group
    for name, fall in falls.items():
        lost, won = (flips + fall) / 2, (flips - fall) / 2
        # four kinds of case: passed and lost, failed and won, passed twice, failed twice
        shares = [lost, won, base - lost, 1 - base - won]
        kind = random.choice(4, cases, p=shares)
        if per_group > 1:
            of_document = random.choice(4, place[-1] + 1, p=shares)[place]
            kind = np.where(random.random(cases) < alike, of_document, kind)
        yield name, (np.isin(kind, (0, 2)), np.isin(kind, (1, 2)))


def scores(found: dict[str, Pair], groups: dict[str, str]) -> tuple[Scores, Scores]:
    """The two releases; nothing leaked."""

    def one(which: int) -> Scores:
        exact: dict[str, dict[str, bool]] = {name: {} for name in EXACT}
        for name, pair in found.items():
            exact[name] = {str(i): bool(x) for i, x in enumerate(pair[which])}
        return Scores(exact, {}, {}, groups if len(set(groups.values())) < len(groups) else {})

    return one(0), one(1)
