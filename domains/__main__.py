"""`python -m domains list|check|passages`."""

from typing import Annotated

import typer

from common import console
from common.errors import BadInput

app = console.app("Domain packs: list them, check them.")


@app.command("list")
def list_packs(as_json: console.AsJson = False) -> None:
    """The packs of the kit."""
    from domains.pack import HERE, load

    packs = {f.parent.name: load(f.parent.name) for f in sorted(HERE.glob("*/pack.toml"))}
    rows = {
        n: {
            "title": p.config.title,
            "passages": len(p.passages),
            "questions": len(p.questions),
            "attacks": len(p.attacks),
            "rows": p.config.records.rows,
        }
        for n, p in packs.items()
    }
    if not as_json:
        console.table(
            "Domain packs",
            ["name", "task", "rows", "passages", "questions", "attacks"],
            [(n, r["title"], r["rows"], r["passages"], r["questions"], r["attacks"]) for n, r in rows.items()],
        )
    console.emit(rows, as_json)


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(help="Names or paths; all packs of the kit by default.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Check packs; exit code 2 where there is something to mend."""
    from domains import check as checker
    from domains.pack import HERE, load

    found = {
        name: checker.check(load(name)) for name in names or sorted(f.parent.name for f in HERE.glob("*/pack.toml"))
    }
    for name, findings in found.items():
        console.say(f"{name}: {'in order' if not findings else f'{len(findings)} to mend'}")
        for finding in findings:
            console.say(str(finding))
    console.emit({name: [f.as_dict() for f in findings] for name, findings in found.items()}, as_json)
    if any(found.values()):
        raise BadInput("a pack is not in order", "mend what is listed above and run the check again")


@app.command()
def passages(name: str = "finance", as_json: console.AsJson = False) -> None:
    """The passage ids of a pack."""
    from domains.pack import load

    rows = {p.id: p.title for p in load(name).passages}
    if not as_json:
        console.table(f"Passages of {name}", ["id", "title"], rows.items())
    console.emit(rows, as_json)


if __name__ == "__main__":
    console.main(app)
