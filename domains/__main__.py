"""`python -m domains list|check|card|decay|build|new|passages|bench`."""

from pathlib import Path
from typing import Annotated

import typer

from common import console
from common.errors import BadInput

app = console.app("Domain packs: list, check and show them, build their records, start one of your own.")

Names = Annotated[list[str] | None, typer.Argument(help="Names or paths; all packs of the kit by default.")]
Name = Annotated[str, typer.Argument(help="A name, or the path of a folder with a pack.toml.")]


@app.command("list")
def list_packs(as_json: console.AsJson = False) -> None:
    """The packs and controls of the kit."""
    from domains.pack import controls, load, names

    rows: dict[str, dict[str, str | int]] = {}
    for name in [*names(), *controls()]:
        p = load(name)
        texts = (0, 0, 0) if p.config.control else (len(p.passages), len(p.questions), len(p.attacks))
        counts = dict(zip(("passages", "questions", "attacks"), texts, strict=True))
        rows[name] = {"title": p.config.title, "rows": p.config.records.rows, **counts}
    if not as_json:
        console.table(
            "Domain packs",
            ["name", "task", "rows", "passages", "questions", "attacks"],
            [(n, r["title"], r["rows"], r["passages"], r["questions"], r["attacks"]) for n, r in rows.items()],
        )
    console.emit(rows, as_json)


@app.command()
def check(names: Names = None, as_json: console.AsJson = False) -> None:
    """Check packs; exit code 2 where there is something to mend."""
    from domains import check as checker
    from domains import pack

    found = {name: checker.check_path(name) for name in names or [*pack.names(), *pack.controls()]}
    for name, findings in found.items():
        console.say(f"{name}: {'in order' if not findings else f'{len(findings)} to mend'}")
        for finding in findings:
            console.say(str(finding))
    console.emit({name: [f.as_dict() for f in findings] for name, findings in found.items()}, as_json)
    if any(found.values()):
        raise BadInput("a pack is not in order", "mend what is listed above and run the check again")


@app.command()
def card(
    name: Name,
    write: Annotated[
        bool, typer.Option("--write", help="Also bring the generated part of its README up to date.")
    ] = False,
    as_json: console.AsJson = False,
) -> None:
    """A pack as one HTML page with its pictures."""
    from common.settings import settings
    from domains import card as cards
    from domains.pack import load

    pack = load(name)
    if write:
        console.say(f"written: {cards.write(pack)}")
    made = cards.page(pack, settings().reports / f"card-{pack.name}.html")
    console.say(f"page: {made}")
    console.emit({"page": str(made)}, as_json)


@app.command()
def decay(name: Name, resamples: int = 400, as_json: console.AsJson = False) -> None:
    """Train the champion and see how it decays, and why. Minutes; writes decay.json and decay.png into the pack."""
    from domains import card as cards
    from domains import decay as analysis
    from domains.pack import load

    pack = load(name)
    found = analysis.analyse(pack, resamples)
    cards.record(pack, found)
    rows, blame = analysis.table(found), analysis.blame(found)
    if not as_json:
        console.table(f"{pack.name}: the champion over time", list(rows[0]), [list(r.values()) for r in rows])
        console.table("Without each input", list(blame[0]), [list(r.values()) for r in blame])
    console.say(f"a random split adds to the AUC, on the same rows: {found.leak}")
    console.say(f"to blame: {found.blamed or 'no single input'}")
    console.say(f"picture: {pack.folder / 'decay.png'}; python -m domains card {name} --write puts it into the page")
    console.emit({"moments": rows, "blame": blame, "blamed": found.blamed}, as_json)


@app.command()
def build(
    names: Annotated[
        list[str] | None, typer.Argument(help="Packs of the kit; those without records by default.")
    ] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Write a changed result down in pack.toml.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Make records again from their source; needs the network once."""
    from domains import build as builder
    from domains.pack import load

    packs = [load(n) for n in names] if names else builder.missing()
    console.emit({pack.name: builder.build(pack, accept) for pack in packs}, as_json)


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet; its name is the pack's.")],
    as_json: console.AsJson = False,
) -> None:
    """Start a pack of your own; `check` then lists what is to fill in."""
    from domains.new import stamp

    written = stamp(folder)
    console.say(f"{folder}: {len(written)} files; next: python -m domains check {folder}")
    console.emit({"folder": str(folder), "files": written}, as_json)


@app.command()
def passages(name: Name = "finance", as_json: console.AsJson = False) -> None:
    """The passage ids of a pack."""
    from domains.pack import load

    rows = {p.id: p.title for p in load(name).passages}
    if not as_json:
        console.table(f"Passages of {name}", ["id", "title"], rows.items())
    console.emit(rows, as_json)


@app.command()
def bench(as_json: console.AsJson = False) -> None:
    """Measure retrieval, loading and decay on every pack; writes benchmarks/domains.json."""
    from domains.bench import measure

    console.emit(measure(), as_json)


if __name__ == "__main__":
    console.main(app)
