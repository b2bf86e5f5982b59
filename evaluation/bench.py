"""Measure the room: its judges against people, its search for identifiers, its gate's power, and what all of it costs.

What people labelled is not part of the kit: LABELLED_DATA names its folder, and without it those rows are left out. The LLM
judge is the model at LLM_URL, which `make bench-evaluation` serves.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from common import bench, console, models, stats
from common.contracts import Estimate
from common.encoder import Encoder, minilm
from common.errors import NotReady
from common.settings import settings as shared
from domains.pack import Pack, load, names
from evaluation import (
    adversarial,
    agreement,
    calibrate,
    compare,
    judges,
    labelled,
    page,
    pii,
    pii_bench,
    power,
    refusal,
    release,
    score,
)
from evaluation.baselines import untrained
from evaluation.calibrate import Judge
from evaluation.config import settings
from evaluation.grounded import Grounded
from evaluation.labelled import Claim
from evaluation.local import Local
from evaluation.suite import Case

COMMAND = "make bench-evaluation"
CONTRASTS = Path(__file__).with_name("contrasts.jsonl.gz")  # claims that counting words gets wrong; see MODEL_CARD.md
ASKED = 30  # claims of each source that the LLM judge is asked: a 135M model takes a second for each


def measure() -> dict[str, Any]:
    """Write benchmarks/evaluation.json, and the calibration pages of the room."""
    rows: list[dict[str, Any]] = []
    goals: list[dict[str, Any]] = []
    folder = settings().labelled
    if folder is None:
        console.say("no LABELLED_DATA: judges and recognisers are not compared with people")
    else:
        for part in (against_people(folder / "groundedness.jsonl.gz"), identifiers(folder), refusals(folder)):
            rows += part[0]
            goals += part[1]
    pack = load(shared().domain)
    for part in (contrasts(), attacks(pack), costs(pack), the_gate(pack)):
        rows += part[0]
        goals += part[1]
    return bench.write("evaluation", rows, goals)


Part = tuple[list[dict[str, Any]], list[dict[str, Any]]]


def goal(name: str, text: str, e: Estimate, met: bool) -> dict[str, Any]:
    """A goal of this room's benchmark."""
    return bench.estimated(name, text, e, met, COMMAND)


def counted(k: int, n: int) -> Estimate:
    """k of n, as a number without an interval."""
    return Estimate(value=k, low=k, high=k, n=n)


def against_people(file: Path) -> Part:
    """Every judge on the labelled claims; the shipped one against the best baseline of each family.

    Half of the documents set what the shipped judge's parts weigh, its scaling and its threshold: the other half is reported.
    """
    claims, local = labelled.read(file), Local()
    scores = {"local": local.scores(claims)}
    scores |= {name: make().scores(claims) for name, make in untrained(minilm).items()}
    scores["lexical regression"] = compare.regression_elsewhere(claims)
    told = np.array([labelled.half(c.group) == 1 for c in claims])
    reported = [c for c, t in zip(claims, told, strict=True) if t]
    found = compare.by_family(reported, scores["local"][told], {k: v[told] for k, v in scores.items() if k != "local"})
    rows = [
        {"source": v.family, "local judge, AUROC": str(v.judge), "best baseline": v.best, "its AUROC": str(v.baseline), "difference": str(v.difference), "claims": v.judge.n}
        for v in found
    ]  # fmt: skip
    cards = {}
    for name in scores:
        version = local.version if name == "local" else "rule"
        made = calibrate.concluded(name, version, claims, scores[name])
        page.write(made, judges.PAGES)
        cards[name] = made.card
    cards["local"].save(judges.SHIPPED)
    llm = endpoint(claims)
    if llm:
        page.write(llm, judges.PAGES)
        cards[llm.card.judge] = llm.card
    lines = [page.summary(card) for card in cards.values()]
    better, mean = sum(v.better for v in found), compare.mean_auroc(found)
    each = np.array([v.judge.value for v in found])
    over = stats.mean(each)
    card = cards["local"]
    passes = (card.probability(scores["local"][told]) >= card.threshold).astype(float)
    balanced = stats.mean(compare.balanced_by_family(reported, passes))
    return rows + lines, [
        goal("sources", f"families of sources, never trained on, where the judge is above the best baseline beyond chance: 6 of 8 (here {len(found)})", counted(better, len(found)), better / len(found) >= 6 / 8),
        goal("auroc", "mean AUROC over the families: at least .75 (interval over families)", over, mean >= 0.75),
        goal("balanced", "mean balanced accuracy over the families, at the card's one threshold: aiming at .74", balanced, balanced.value >= 0.74),
        goal("ece", "calibration error after scaling: under .05", card.overall["ece"], card.overall["ece"].value < 0.05),
    ]  # fmt: skip


def endpoint(claims: Sequence[Claim]) -> calibrate.Calibration | None:
    """The LLM judge on a few of each source; None where nobody answers."""
    judge = served()
    return calibrate.calibrate(judge, judges.version_of(judge), labelled.few(claims, ASKED)) if judge else None


def served() -> Judge | None:
    """The LLM at LLM_URL as judge; None where nobody answers."""
    try:
        return judges.endpoint()
    except NotReady as error:
        console.say(f"no LLM judge: {error.message}")
        return None


def contrasts() -> Part:
    """Every judge on the contrast sets that the kit ships: .5 is chance, and below it words in common mislead."""
    claims, llm = labelled.read(CONTRASTS), served()
    asked: list[tuple[Any, list[Claim]]] = [(Local(), claims)]
    asked += [(make(), claims) for make in untrained(minilm).values()]
    asked += [(llm, labelled.few(claims, ASKED // 2))] if llm else []
    return [
        {"contrast sets": judge.name, "auroc": str(auroc(judge, some)), "claims": len(some)} for judge, some in asked
    ], []


def auroc(judge: Judge, claims: Sequence[Claim]) -> Estimate:
    """A judge's AUROC, documents resampled as wholes."""
    truth, groups = np.array([c.grounded for c in claims], float), np.array([c.group for c in claims])
    return agreement.estimate(stats.auc, truth, judge.scores(claims), groups, 1000)


def identifiers(folder: Path) -> Part:
    """Recall and precision on labelled texts; documents with a false alarm of the gating kinds, per hundred."""
    texts = pii_bench.read(folder / "pii_presidio_synth_v2.json.gz")
    found = pii_bench.quality(texts)
    unseen = pii_bench.quality([t for t in texts if held(t.template)])
    rows: list[dict[str, Any]] = [
        {"texts": what, "recall, any kind": str(q.recall), "precision, any kind": str(q.precision), "labelled spans": q.recall.n}
        for what, q in (("all 1,500", found), ("the templates that were not tuned on; looked at twice", unseen))
    ]  # fmt: skip
    for label, e in sorted(found.by_label.items(), key=lambda kv: -(kv[1]["recall"] or counted(0, 0)).n):
        rows.append(
            {
                "label": label,
                **{k: "none found" if v is None else str(v) for k, v in e.items()},
                "spans": (e["recall"] or counted(0, 0)).n,
            }
        )
    benign = ordinary(folder)
    alarms = {domain: pii_bench.alarms(docs, kinds_of(domain)) for domain, docs in benign.items()}
    rows += [
        {"ordinary texts": d, "false alarms per 100, gating kinds": str(a["any"]), "documents": a["any"].n}
        for d, a in alarms.items()
    ]
    n = sum(a["any"].n for a in alarms.values())
    wrong = round(sum(a["any"].value * a["any"].n / 100 for a in alarms.values()))
    return rows, [
        goal("pii-recall", "any-entity recall on Presidio's 1,500 texts: at least .93 (half of the templates were tuned on)", found.recall, found.recall.value >= 0.93),
        goal("pii-precision", "precision there: at least .85", found.precision, found.precision.value >= 0.85),
        goal("pii-alarms", "false alarms of the gating kinds on ordinary texts: none in 500", Estimate(**stats.proportion(wrong, n).model_dump() | {"value": wrong}), wrong == 0),
    ]  # fmt: skip


def held(template: str) -> bool:
    """The half of the templates on which no recogniser was tuned."""
    return int(hashlib.sha256(template.encode()).hexdigest(), 16) % 2 == 1


def ordinary(folder: Path) -> dict[str, list[str]]:
    """Texts without anybody's identifiers: what each pack says, a bank's customers, abstracts."""
    import csv
    import gzip
    import json

    found = {}
    for name in names():
        pack = load(name)
        found[name] = [*(p.text for p in pack.passages), *(q.answer for q in pack.questions)]
    with (folder / "banking77_test.csv").open() as file:
        found["bank customers (public)"] = [row[0] for row in list(csv.reader(file))[1:501]]
    with gzip.open(folder / "pubmedqa.json.gz", "rt") as file:
        abstracts = json.load(file).values()
        found["abstracts (public)"] = ["\n".join(row["contexts"]) for row in abstracts][:250]
    return found


def kinds_of(domain: str) -> Callable[[str], list[str]]:
    """The gating kinds that are found in a text, with those that the domain's pack forbids."""
    forbidden = load(domain).config.privacy.forbidden if domain in names() else []
    return lambda text: [i.kind for i in pii.identifiers(text, settings().pii_score, forbidden)]


def refusals(folder: Path) -> Part:
    """The rule for refusals: where its rate may be given, and what correcting it is worth."""
    return [
        {
            "attack": f.name, "kappa of the refusal rule": str(f.kappa), "may be given": "yes" if f.admitted else "no", "counted": str(f.counted),
            "corrected": str(f.corrected), "as labelled": str(f.labelled), "answers": f.counted.n,
        }
        for f in refusal.families(refusal.read(folder / "jailbreak_responses.json.gz"))
    ], []  # fmt: skip


def attacks(pack: Pack) -> Part:
    """Attack success by family on the model at LLM_URL, and what the guard at GUARD_URL would have stopped. No rows where no
    model answers."""
    try:
        outcome = adversarial.adversarial(release.bench(pack, "v2", 1))
    except NotReady as error:
        console.say(f"no attacks: {error.message}")
        return [], []
    for file in outcome.files:
        file.unlink(missing_ok=True)
    rates = outcome.report.rates
    guarded = adversarial.ALL + adversarial.GUARDED in rates
    rows: list[dict[str, Any]] = []
    for family, e in rates.items():
        if family.endswith(adversarial.GUARDED) or family == adversarial.BENIGN:
            continue
        behind = {"with the guard": str(rates[family + adversarial.GUARDED])} if guarded else {}
        rows.append({"attacks": family, "success": str(e), **behind, "tried": e.n})
    if guarded:
        alarms = rates[adversarial.BENIGN]
        rows.append({"attacks": "none: the pack's questions, flagged by the guard", "success": "", "with the guard": str(alarms), "tried": alarms.n})  # fmt: skip
    return rows, []


def costs(pack: Pack) -> Part:
    """Milliseconds a claim on one core, and seconds to judge 250 cases on two."""
    asked = [q for q in pack.questions if q.passages]
    by_id = {p.id: p.text for p in pack.passages}
    claims = [Claim(q.answer, tuple(by_id[p] for p in q.passages), q.question) for q in asked]
    one = Local(threads=1)
    cosine = untrained(lambda: Encoder(models.path("minilm"), threads=1))["cosine"]()
    rows = []
    for name, ask in (("local judge", one.scores), ("cosine", cosine.scores)):
        rows.append({"judge": name, **milliseconds(ask, claims)})
    try:
        with TemporaryDirectory() as nothing:  # what it judged before costs nothing
            llm = judges.endpoint(Path(nothing))
            rows.append({"judge": "LLM at LLM_URL", **milliseconds(llm.scores, claims[:20])})
    except NotReady:
        pass
    seconds = suite_seconds(pack)
    rows.append({"judge": "a suite of 250 cases: exact checks, DeepEval, RAGAS, Presidio", "ms a claim": round(seconds * 1000 / 250, 1), "p95": "", "claims": 250})  # fmt: skip
    local = float(rows[0]["ms a claim"])
    return rows, [
        goal("ms", "local judge, one core: under 40 ms a claim", Estimate(value=local, low=local, high=float(rows[0]["p95"]), n=len(claims)), local < 40),
        goal("suite", "judging 250 cases on two cores: under 60 s", Estimate(value=seconds, low=seconds, high=seconds, n=250), seconds < 60),
    ]  # fmt: skip


def milliseconds(ask: Callable[[Sequence[Claim]], Any], claims: Sequence[Claim]) -> dict[str, Any]:
    """Mean and 95th percentile, one claim at a time."""
    ask(claims[:1])
    times = []
    for claim in claims:
        began = time.perf_counter()
        ask([claim])
        times.append((time.perf_counter() - began) * 1000)
    return {
        "ms a claim": round(float(np.mean(times)), 1),
        "p95": round(float(np.quantile(times, 0.95)), 1),
        "claims": len(claims),
    }


def suite_seconds(pack: Pack) -> float:
    """Scoring 250 cases with every metric; the answers are the references', repeated with a number so that none is known."""
    judge: Grounded = judges.grounded("local")
    by_id = {p.id: p.text for p in pack.passages}
    questions, todo, answers = [], [], {}
    for i in range(250):
        q = pack.questions[i % len(pack.questions)].model_copy(update={"id": f"{i}"})
        context = [by_id[p] for p in q.passages] or [pack.passages[i % len(pack.passages)].text]
        questions.append(q)
        todo.append(Case(q.id, [{"role": "user", "content": "\n".join([*context, q.question])}], context))
        answers[q.id] = f"{q.answer} This is answer {i}."
    began = time.perf_counter()
    score.score(pack, questions, [], todo, answers, minilm(), judge, settings())
    return time.perf_counter() - began


def the_gate(pack: Pack) -> Part:
    """What the gate sees and how often it is wrong, by simulated releases of each kind."""
    plain = power.simulate(pack, releases=5000)  # of 1,000, one rate in twenty would be 1.4 points off
    grouped = power.simulate(pack, per_group=8, releases=400)
    rows = [
        {"250 cases, 7 % flip": what, "5-point drop blocked": str(p.seen), "null release blocked": str(p.false), "releases": p.seen.n}
        for what, p in (("each on its own", plain), ("in documents of 8, where three cases in ten fare as their document does", grouped))
    ]  # fmt: skip
    return rows, [
        goal("power", "250 cases of which 7 % flip: a 5-point drop is blocked in 80 % of the releases", plain.seen, plain.seen.value >= 0.8),
        goal("false-blocks", "a null release is blocked in at most 5 % (5,000 simulated)", plain.false, plain.false.value <= 0.05),
    ]  # fmt: skip
