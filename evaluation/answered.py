"""The suites `hallucination` and `rag`: questions go to the model with passages, and every answer is held against them.

hallucination  with the passages that prove the answer and their nearest rivals
rag            with what the pack's own retrieval finds; RAGAS's context precision and recall, by id, say how well it found
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from domains.forms import Question
from domains.retrieval import Index
from evaluation import for_ragas, score, suite
from evaluation.declines import declines
from evaluation.outcome import Bench, Outcome, Row, columns, rate
from evaluation.report import Report, Shown
from evaluation.suite import Case, Said

UNCOMPARED = (
    "A case that an exact check fails stops no release by itself, since a weak model fails some from the start: "
    "`python -m evaluation gate` compares two releases, and blocks one that got worse."
)


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
    asserting = [i for i in by_id if score.asserts(said[i].text)]  # of the rest nothing could be grounded
    claims = [score.claim_of(questions[i], said[i].text, by_id[i]) for i in asserting]
    verdicts = dict(zip(asserting, b.judge.verdicts(claims), strict=True))
    similar, admission = for_ragas.similarity(b.encoder), b.judge.admission(b.pack.name)
    results: dict[str, Row] = {}
    cases, ungrounded = [], []
    for i, case in by_id.items():
        q, text, verdict = questions[i], said[i].text, verdicts.get(i)
        row, reasons = checked(q, text, case)
        if q.answerable:
            row["similarity"] = for_ragas.value(similar, reference=q.answer, response=text)
        fine = not reasons
        if verdict and not verdict.passed:
            words = ", ".join(m.text for m in verdict.marks[:4])
            role = "not grounded" if admission.may_block else "not grounded, advisory"
            reasons.append(f"{b.judge.name} judge: {role}{f' ({words})' if words else ''}")
            ungrounded.append(i)
        results[i] = row | ({"grounded": verdict.p} if verdict else {}) | retrieval.get(i, {})
        passed = fine and not (admission.may_block and i in ungrounded)  # an advisory judge fails no case
        marks, p = (verdict.marks, verdict.p) if verdict else ((), None)
        cases.append(Shown(i, q.question, q.question, text, passed, tuple(reasons), tuple(case.context), marks, p))
    groups = score.groups(b.questions, [])
    rates = {n: rate({i: float(r[n]) for i, r in results.items() if n in r}, groups) for n in columns(results)}
    blocking, notes = [], [UNCOMPARED]
    if not admission.may_block:
        notes.append(
            f"The judge {b.judge.name} is advisory on {b.pack.name}: {admission.why}. It fails no case and stops no release."
        )
    elif ungrounded:
        blocking = [f"{len(ungrounded)} answers are not grounded: {', '.join(ungrounded[:5])}"]
    report = Report(name, b.pack.name, str(b.release), rates, cases, notes)
    return Outcome(report, tuple(blocking), results, dict(said), files, frozenset({"grounded"}), b.judge.name)


def checked(q: Question, text: str, case: Case) -> tuple[Row, list[str]]:
    """(results, what is wrong) of one answer by the exact checks."""
    strange, declined = score.strange_numbers(text, case), declines(text)
    reasons = [f"numbers that no passage holds: {', '.join(strange)}"] if strange else []
    row: Row = {"numbers_grounded": not strange}
    if not q.answerable:
        row["declines"] = declined
        return row, reasons + ([] if declined else ["answers what the documents do not say"])
    row["answers"] = score.answers_it(q.answer, text)
    if declined:
        reasons.append("declines, and the documents have the answer")
    elif not row["answers"]:
        reasons.append(f"misses the reference answer: {q.answer}")
    return row, reasons
