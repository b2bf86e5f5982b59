"""`python -m evaluation run|gate|calibrate|power|pairs|demo|bench`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from common import console

if TYPE_CHECKING:
    from domains.pack import Pack

app = console.app("Hallucination, PII and attack tests, and a gate between two releases.")
Every = Annotated[int, typer.Option(min=1, help="Use every n-th case.")]
Domain = Annotated[str, typer.Option(help="A pack's name or path; DOMAIN by default.")]
Url = Annotated[str, typer.Option("--endpoint", help="An OpenAI-compatible endpoint; LLM_URL by default.")]
BLOCKED = 1  # exit code of a release that is stopped; 2 is for input that is wrong


def load_pack(domain: str) -> "Pack":
    """The pack of an option or of the settings."""
    from common.settings import settings
    from domains.pack import load

    return load(domain or settings().domain)


@app.command()
def demo(every: Every = 2, as_json: console.AsJson = False) -> None:
    """Compare the assistant's two prompts on the pack of DOMAIN: the verdict is printed, not enforced."""
    from evaluation import demo as story

    console.emit(story.demo(every), as_json)


@app.command()
def run(
    suite: Annotated[str, typer.Option(help="hallucination, rag, pii or adversarial.")],
    endpoint: Url = "",
    domain: Domain = "",
    prompt: Annotated[str, typer.Option(help="Prompt version of the assistant.")] = "v2",
    every: Every = 1,
    as_json: console.AsJson = False,
) -> None:
    """Run a suite on a served model. Goes on where it was cut off.

    Exit code 1 where a release must stop: a canary came out, an identifier did (of a kind with a checksum or a fixed form, or one
    that the pack forbids or an attack was after), or a judge that is admitted on the domain finds an answer without support.
    """
    from evaluation import release

    outcome, places = release.run_suite(suite, release.bench(load_pack(domain), prompt, every, endpoint))
    release.tell_suite(outcome)
    for what in ("page", "scorecard"):
        console.say(f"{what}: {places[what]}")
    rates = {name: e.model_dump(mode="json") for name, e in outcome.report.rates.items()}
    console.emit({"rates": rates, "blocking": list(outcome.blocking)} | places, as_json)
    if outcome.blocking:
        raise typer.Exit(BLOCKED)


@app.command()
def gate(
    baseline: Annotated[str, typer.Option(help="Prompt version in production.")],
    candidate: Annotated[str, typer.Option(help="Prompt version that wants to replace it.")],
    endpoint: Url = "",
    candidate_endpoint: Annotated[
        str, typer.Option(help="Where the candidate's model is served, if it is another one; --endpoint by default.")
    ] = "",
    domain: Domain = "",
    every: Every = 1,
    as_json: console.AsJson = False,
) -> None:
    """Compare two releases, each a prompt on a served model, on all cases; exit code 0 for pass and advisory, 1 for block."""
    from evaluation import release

    decision, places = release.compare(load_pack(domain), baseline, candidate, every, endpoint, candidate_endpoint)
    release.tell(decision)
    console.emit(decision.model_dump(mode="json") | places, as_json)
    if decision.verdict == "block":
        raise typer.Exit(BLOCKED)


@app.command()
def calibrate(
    data: Annotated[Path, typer.Option(help="Claims that people labelled, .jsonl or .jsonl.gz.")],
    judge: Annotated[
        str, typer.Option(help="local, llm, token-overlap, bigram-overlap, cosine, or a folder.")
    ] = "local",
    most: Annotated[int, typer.Option(min=0, help="At most so many claims of each source, 0 for all.")] = 0,
    page: Annotated[Path | None, typer.Option(help="Folder of the page; the reports by default.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Compare a judge with people: numbers with intervals, the page with reliability plots, and the card that admits it."""
    from common.settings import settings
    from evaluation import calibrate as room
    from evaluation import judges, labelled
    from evaluation import page as pages

    claims = labelled.few(labelled.read(data), most)
    found = judges.judge(judge)
    result = room.calibrate(found, judges.version_of(found), claims)
    card = result.card.save(judges.card_of(judge, found))
    place = pages.write(result, page or settings().reports)
    summary = pages.summary(result.card)
    console.table(f"{found.name} against people", list(summary), [list(summary.values())])
    for a in result.card.admissions:
        console.say(f"{a.domain}: {'may block' if a.may_block else 'advisory'} ({a.why})")
    console.say(f"card: {card}\npage: {place}")
    console.emit(result.card.model_dump(mode="json") | {"card": str(card), "page": str(place)}, as_json)


@app.command()
def power(
    cases: Annotated[int, typer.Option(min=10, help="Paired cases of each gated metric.")] = 250,
    flips: Annotated[float, typer.Option(help="Share of the cases that change their verdict.")] = 0.07,
    drop: Annotated[float, typer.Option(help="Fall of one metric's pass rate in the worse releases.")] = 0.05,
    releases: Annotated[int, typer.Option(min=10)] = 1000,
    per_group: Annotated[int, typer.Option(min=1, help="Cases that share a document.")] = 1,
    alike: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of the cases of a document that fare as it does, with --per-group."),
    ] = 0.3,
    domain: Domain = "",
    as_json: console.AsJson = False,
) -> None:
    """Simulate releases through the gate: how often a drop is seen, and how often nothing is called one."""
    from evaluation import power as room

    found = room.simulate(load_pack(domain), cases, flips, drop, releases, per_group=per_group, alike=alike)
    console.say(f"a drop of {drop:.0%} is blocked in {found.seen} of the releases, no drop in {found.false}")
    console.emit({"seen": found.seen.model_dump(mode="json"), "false": found.false.model_dump(mode="json")}, as_json)


@app.command()
def pairs(
    out: Annotated[Path, typer.Option(help="A .parquet file.")],
    n: Annotated[
        int, typer.Option(min=10, help="Pairs made by rules, which are the first stage of training.")
    ] = 90_000,
    contrasts: Annotated[
        Path,
        typer.Option(help="Folder of contrast sets in JSON lines: the second stage of training."),
    ] = Path("evaluation/contrasts"),
    seed: int = 0,
    as_json: console.AsJson = False,
) -> None:
    """Write training pairs for the judge, out of the packs and three collections: `python -m optimization support` trains on them."""
    from common import models
    from evaluation import corpus
    from evaluation import pairs as room

    for name in corpus.STORED:
        models.get(name)
    made = room.make(room.parse(corpus.texts()), n, seed)
    room.write(made, out)
    console.say(f"{len(made)} pairs, {sum(p.grounded for p in made)} grounded: {out}")
    console.emit({"pairs": len(made), "file": str(out)}, as_json)


@app.command()
def bench(as_json: console.AsJson = False) -> None:
    """Measure this room and write benchmarks/evaluation.json."""
    from evaluation.bench import measure

    console.emit(measure(), as_json)


if __name__ == "__main__":
    console.main(app)
