"""The suites `hallucination` and `rag`: questions go to the model with passages, and every answer is held against them.

hallucination  with the passages that prove the answer and their nearest rivals
rag            with what the pack's own retrieval finds; RAGAS's context precision and recall, by id, say how well it found
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from domains.retrieval import Index
from evaluation import for_ragas, score, suite
from evaluation.labelled import Claim
from evaluation.outcome import Bench, Outcome, Row, columns, rate
from evaluation.report import Report, Shown
from evaluation.suite import Case, Said


def hallucination(b: Bench) -> Outcome:
    """Questions with their proof at hand."""
    given = suite.contexts(b.pack, b.questions, b.encoder, b.s.context)
    todo = suite.cases(b.pack, b.questions, [], b.release, given)
    said, file = b.ask(todo)
    return answered(b, "hallucination", todo, said, {}, (file,))


def rag(b: Bench) -> Outcome:
    """Questions with what retrieval finds."""
    index = Index(b.pack.passages, b.encoder)
    given = {q.id: [p for p, _ in index.search(q.question, b.s.retrieved)] for q in b.questions}
    found = {
        q.id: for_ragas.retrieval([p.id for p in given[q.id]], q.passages) for q in b.questions if q.passages
    }  # fmt: skip
    todo = suite.cases(b.pack, b.questions, [], b.release, given)
    said, file = b.ask(todo)
    return answered(b, "rag", todo, said, found, (file,))


def answered(
    b: Bench, name: str, todo: Sequence[Case], said: Mapping[str, Said], retrieval: Mapping[str, dict[str, float]],
    files: tuple[Path, ...] = (),
) -> Outcome:  # fmt: skip
    """What is to be said of the answers. retrieval: case -> numbers of how well its passages were found."""
    by_id, questions = {c.id: c for c in todo}, {q.id: q for q in b.questions}
    claims = {i: Claim(said[i].text or " ", tuple(c.context), questions[i].question) for i, c in by_id.items()}
    verdicts = dict(zip(claims, b.judge.verdicts(list(claims.values())), strict=True))
    similar, admission = for_ragas.similarity(b.encoder), b.judge.admission(b.pack.name)
    results: dict[str, Row] = {}
    cases = []
    for i, case in by_id.items():
        q, text, verdict = questions[i], said[i].text, verdicts[i]
        strange = score.strange_numbers(text, case)
        declined = bool(score.DECLINES.search(text))
        reasons = [f"numbers that no passage holds: {', '.join(strange)}"] if strange else []
        row: Row = {"numbers_grounded": not strange, "grounded": verdict.p}
        if q.answerable:
            row["answers"] = score.answers_it(q.answer, text)
            row["similarity"] = for_ragas.value(similar, reference=q.answer, response=text)
            reasons += ["declines, and the documents have the answer"] if declined else []
            reasons += [] if declined or row["answers"] else [f"misses the reference answer: {q.answer}"]
        else:
            row["declines"] = declined
            reasons += [] if declined else ["answers what the documents do not say"]
        if not verdict.passed and not declined:
            words = ", ".join(m.text for m in verdict.marks[:4])
            reasons.append(
                f"{b.judge.name} judge: not grounded{f' ({words})' if words else ''}{'' if admission.may_block else ', advisory'}"
            )
        row |= retrieval.get(i, {})
        results[i] = row
        passed = not strange and (declined or verdict.passed) and bool(row.get("answers", row.get("declines")))
        marks = () if declined else verdict.marks
        cases.append(
            Shown(i, q.question, q.question, text, passed, tuple(reasons), tuple(case.context), marks, verdict.p)
        )
    groups = score.groups(b.questions, [])
    rates = {
        name: rate({i: float(r[name]) for i, r in results.items() if name in r}, groups) for name in columns(results)
    }
    blocking = []
    if admission.may_block:
        bad = [i for i, v in verdicts.items() if not v.passed and not score.DECLINES.search(said[i].text)]
        blocking = [f"{len(bad)} answers are not grounded: {', '.join(bad[:5])}"] if bad else []
    notes = (
        []
        if admission.may_block
        else [f"The judge {b.judge.name} is advisory on {b.pack.name}: {admission.why}. It may not stop a release."]
    )
    report = Report(name, b.pack.name, str(b.release), rates, cases, notes)
    return Outcome(report, tuple(blocking), results, dict(said), files, frozenset({"grounded"}), b.judge.name)
