"""`python -m optimization champion|compare-champions|wheels|demo|verify|install`."""

from pathlib import Path
from typing import Annotated

import typer

from common import console
from common.errors import BadInput, Refused

app = console.app("Train, distil, export, quantize, and ship to a machine without a network.")
Domain = Annotated[str, typer.Option(help="A pack's name or path; DOMAIN by default.")]


@app.command()
def champion(
    domain: Domain = "",
    until: Annotated[str, typer.Option(help="Last day of training; the pack's by default.")] = "",
    alias: Annotated[str, typer.Option(help="Registry alias to set: champion or challenger.")] = "",
    restart: Annotated[
        bool,
        typer.Option("--restart", help="Let --alias champion replace another version: the demo's story begins again."),
    ] = False,
    as_json: console.AsJson = False,
) -> None:
    """Train the pack's predictive model, export it to ONNX, register it. The same date gives the same version again."""
    from optimization import champion as room

    pack = load_pack(domain)
    made = room.train(pack, until or pack.config.champion.train_until)
    if alias not in ("", "champion", "challenger"):
        raise BadInput(f"no alias {alias}", "--alias champion, or --alias challenger")
    holder = room.holder(made.name, alias) if alias else None
    if alias == "champion" and holder not in (None, made.version) and not restart:
        raise Refused(
            f"version {holder} is champion of {made.name}",
            "moving it takes an approval (python -m agents), or --restart for the demo's story",
        )
    if alias:
        room.set_alias(made.name, alias, made.version)
    console.say(
        f"{made.name} version {made.version}, trained until {made.trained_until}: Brier {made.brier} on the reference{f'; alias {alias}' if alias else ''}"
    )
    console.emit(
        {
            "name": made.name,
            "version": made.version,
            "until": made.trained_until,
            "brier": made.brier.model_dump(),
            "run": made.run_id,
        },
        as_json,
    )


@app.command("compare-champions")
def compare_champions(
    old: str,
    new: str,
    start: Annotated[str, typer.Option(help="First day.")],
    end: Annotated[str, typer.Option(help="Last day.")],
    domain: Domain = "",
    as_json: console.AsJson = False,
) -> None:
    """Brier scores of two registered versions on the same days, with the paired difference."""
    from common.tracking import mlflow_client
    from optimization import champion as room

    mlflow_client()
    found = room.compare(load_pack(domain), old, new, start, end)
    for name, estimate in found.items():
        console.say(f"{name}: {estimate}")
    console.emit({name: e.model_dump() for name, e in found.items()}, as_json)


@app.command()
def wheels() -> None:
    """Fetch the wheels that a bundle carries (part of `make setup`)."""
    from optimization import bundle

    console.say(f"{len(bundle.wheels())} wheels for the bundle are in the store")


@app.command()
def demo(
    rows: Annotated[int, typer.Option(min=0, help="Training prompts; 0 takes all 15,012 (six minutes).")] = 6000,
    as_json: console.AsJson = False,
) -> None:
    """Distil, quantize, compare, sign a bundle, install and run it with the network off."""
    from optimization import demo as story

    console.emit(story.demo(rows), as_json)


@app.command()
def verify(
    bundle: Path,
    key: Annotated[Path, typer.Option(help="The signer's public key (PEM).")],
    as_json: console.AsJson = False,
) -> None:
    """Check a bundle's signature and every file in it; exit code 2 where anything differs."""
    from optimization import bundle as room

    manifest = room.verify(bundle, key)
    console.say(
        f"{manifest.name} {manifest.version}: {len(manifest.files)} files as signed, for Python {manifest.python} on {manifest.platform}"
    )
    console.emit(manifest.model_dump(mode="json"), as_json)


@app.command()
def install(
    bundle: Path,
    key: Annotated[Path, typer.Option(help="The signer's public key (PEM).")],
    text: list[str],
    as_json: console.AsJson = False,
) -> None:
    """Prove a bundle: install it into a throw-away environment and classify TEXT, with the network taken away."""
    from optimization import bundle as room

    answers, how = room.install_offline(bundle, key, text)
    console.say(how)
    for answer in answers:
        console.say(f"{'flagged' if answer['flagged'] else 'passed '}  {answer['score']}  {answer['text']}")
    console.emit({"offline": how, "answers": answers}, as_json)


def load_pack(domain: str):  # type: ignore[no-untyped-def]  # the class lives behind a slow import
    """The pack of an option or of the settings."""
    from common.settings import settings
    from domains.pack import load

    return load(domain or settings().domain)


@app.command()
def bench(as_json: console.AsJson = False) -> None:
    """Measure this room and write benchmarks/optimization.json."""
    from optimization.bench import measure

    console.emit(measure(), as_json)


if __name__ == "__main__":
    console.main(app)
