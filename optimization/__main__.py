"""`python -m optimization train|distil|export|quantize|compare|bundle|verify|install|...`; every stage does those before it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from common import console
from common.errors import BadInput, Refused

if TYPE_CHECKING:
    from domains.pack import Pack
    from optimization.recipe import AnyRecipe, Text

app = console.app("Train, distil, export, quantize, and ship to a machine without a network.")
Domain = Annotated[str, typer.Option(help="A pack's name or path; DOMAIN by default.")]
Name = Annotated[str, typer.Argument(help="guard, champion, assistant, text, or a .toml of yours.", show_default="guard; text with --data")]  # fmt: skip
Data = Annotated[str, typer.Option(help="Your own labelled texts: .csv, .parquet or .jsonl.")]
TextColumn = Annotated[str, typer.Option("--text", help="Its column of texts.")]
LabelColumn = Annotated[str, typer.Option("--label", help="Its column of labels.")]
Teacher = Annotated[
    str, typer.Option(help="A BERT-like model: a folder, a hub id that was fetched, a name of the store.")
]
Rows = Annotated[int, typer.Option(min=-1, help="At most so many training texts, 0 for all; the recipe's by default.")]
Key = Annotated[Path, typer.Option(help="The signer's public key (PEM).")]


def recipe_of(
    name: str, data: str = "", text: str = "", label: str = "", teacher: str = "", rows: int = -1
) -> "AnyRecipe":
    """The recipe with what the command line changes."""
    from optimization.recipe import load

    changes: dict[str, Any] = {
        "data.source": data, "data.text": text, "data.label": label, "teacher.model": teacher, "data.rows": rows if rows >= 0 else None,
    }  # fmt: skip
    return load(name or ("text" if data else "guard"), **{k: v for k, v in changes.items() if v not in ("", None)})


def text_recipe(stage: str, name: str, *changes: Any) -> "Text":
    """A recipe for texts. BadInput where the recipe has no such stage."""
    from optimization.recipe import Text

    found = recipe_of(name, *changes)
    if not isinstance(found, Text):
        has = {"table": "train and compare", "language": "quantize and compare", "support": "support"}[found.kind]
        raise BadInput(
            f"recipe {found.name} has no stage {stage}: it has {has}",
            "a recipe of texts: guard, text, or a .toml of yours",
        )
    return found


@app.command()
def recipes(as_json: console.AsJson = False) -> None:
    """The recipes that come with the kit."""
    from optimization.recipe import load, names

    found = {name: load(name).title for name in names()}
    console.table("Recipes", ["name", "what it makes"], list(found.items()))
    console.emit(found, as_json)


@app.command()
def train(
    recipe: Name = "", data: Data = "", text: TextColumn = "", label: LabelColumn = "", teacher: Teacher = "",
    rows: Rows = -1, domain: Domain = "", as_json: console.AsJson = False,
) -> None:  # fmt: skip
    """Fine-tune a recipe's teacher, or train a pack's champion. Goes on where it was cut off."""
    from optimization import work
    from optimization.config import settings
    from optimization.recipe import Table

    if isinstance(recipe_of(recipe, data, text, label, teacher, rows), Table):
        return champion(domain, as_json=as_json)
    found = text_recipe("train", recipe, data, text, label, teacher, rows)
    folder = work.train(found, settings()).parent
    console.say(f"teacher of {found.name}: {folder}")
    console.emit({"recipe": found.name, "folder": str(folder)}, as_json)
    return None


@app.command()
def distil(
    recipe: Name = "", data: Data = "", text: TextColumn = "", label: LabelColumn = "", teacher: Teacher = "",
    rows: Rows = -1, as_json: console.AsJson = False,
) -> None:  # fmt: skip
    """Distil a recipe's students from its teacher."""
    from optimization import work
    from optimization.config import settings

    found = text_recipe("distil", recipe, data, text, label, teacher, rows)
    folder = work.distil(found, settings())
    console.say(f"students of {found.name}: {folder}")
    console.emit({"recipe": found.name, "folder": str(folder), "students": [s.name for s in found.students]}, as_json)


@app.command()
def export(
    recipe: Name = "", data: Data = "", text: TextColumn = "", label: LabelColumn = "", teacher: Teacher = "", rows: Rows = -1,
    target: Annotated[str, typer.Option(help="cpu, or tensorrt: build and time an engine where a GPU is, else say what is missing.")] = "cpu",
    as_json: console.AsJson = False,
) -> None:  # fmt: skip
    """Export teacher and students to ONNX, checked against PyTorch."""
    from optimization import tensorrt, work
    from optimization.config import settings

    if target not in ("cpu", "tensorrt"):
        raise BadInput(f"no target {target}", "--target cpu, or --target tensorrt")
    found = text_recipe("export", recipe, data, text, label, teacher, rows)
    models = work.models_of(work.export(found, settings()))
    made: dict[str, Any] = {"recipe": found.name, "folder": str(models)}
    if target == "tensorrt":
        made["tensorrt"] = {
            name: tensorrt.build(models / name, found) for name in ("teacher", *(s.name for s in found.students))
        }
        for name, result in made["tensorrt"].items():
            console.say(f"{name}: {result['said']}")
    console.say(f"models of {found.name}: {models}")
    console.emit(made, as_json)


@app.command()
def quantize(
    recipe: Name = "", data: Data = "", text: TextColumn = "", label: LabelColumn = "", teacher: Teacher = "", rows: Rows = -1,
    as_json: console.AsJson = False,
) -> None:  # fmt: skip
    """Write every form that the recipe names: of the students, or of a language model."""
    from optimization import work
    from optimization.config import settings
    from optimization.recipe import Language

    chosen = recipe_of(recipe, data, text, label, teacher, rows)
    if isinstance(chosen, Language):
        from optimization import assistant

        made = {str(p): str(assistant.build(chosen, p)) for p in chosen.precisions}
    else:
        from optimization import compare as comparison

        found = text_recipe("quantize", recipe, data, text, label, teacher, rows)
        folder = work.export(found, settings())
        made = {c.name: str(c.folder) for c in comparison.candidates(found, folder, found.variants)}
    for name, folder_of in made.items():
        console.say(f"{name}: {folder_of}")
    console.emit(made, as_json)


@app.command()
def compare(
    recipe: Name = "", data: Data = "", text: TextColumn = "", label: LabelColumn = "", teacher: Teacher = "", rows: Rows = -1,
    every: Annotated[bool, typer.Option("--every", help="Every form, and the baselines of other libraries.")] = False,
    domain: Domain = "", as_json: console.AsJson = False,
) -> None:  # fmt: skip
    """Measure every variant against the teacher and choose what is shipped."""
    from optimization.recipe import Language, Table

    chosen = recipe_of(recipe, data, text, label, teacher, rows)
    if isinstance(chosen, Language):
        from optimization import assistant

        return console.emit({"rows": assistant.compare(chosen)}, as_json)
    if isinstance(chosen, Table):
        from optimization import champion as room

        row = room.against_scikit(load_pack(domain))
        console.table("The champion, one row at a time", list(row), [list(row.values())])
        return console.emit({"rows": [row]}, as_json)
    from optimization import demo
    from optimization.config import settings

    found = text_recipe("compare", recipe, data, text, label, teacher, rows)
    comparison = demo.compare(found, load_pack(domain), settings(), every)
    return console.emit(comparison.as_dict(), as_json)


@app.command()
def bundle(
    recipe: Name = "", data: Data = "", text: TextColumn = "", label: LabelColumn = "", teacher: Teacher = "", rows: Rows = -1,
    python: Annotated[str, typer.Option(help="Python of the far machine, 3.11 to 3.13; this one's by default.")] = "",
    platform: Annotated[str, typer.Option(help="Its platform, such as linux-aarch64; this one's by default. Another's wheels need the network.")] = "",
    domain: Domain = "", as_json: console.AsJson = False,
) -> None:  # fmt: skip
    """Compare, then write the signed bundle of what is chosen (BUNDLE_VERSION=X.Y.Z) and register it in MLflow."""
    from optimization import demo
    from optimization.config import settings
    from optimization.wheelhouse import Machine

    machine = Machine.named(python, platform)
    machine.wheels()
    found = text_recipe("bundle", recipe, data, text, label, teacher, rows)
    comparison = demo.compare(found, load_pack(domain), settings())
    console.emit(demo.ship_it(comparison, settings().version, machine), as_json)


@app.command()
def support(
    data: Annotated[Path, typer.Option(help="Pairs of claim and context, .parquet: python -m evaluation pairs.")],
    out: Annotated[Path, typer.Option(help="Folder of the judge that is made.")],
    recipe: Annotated[str, typer.Option(help="judge, or a .toml of yours whose kind is support.")] = "judge",
    as_json: console.AsJson = False,
) -> None:
    """Train a judge of support: does the evidence hold a claim? Goes on where it was cut off."""
    from optimization import judge
    from optimization.config import settings
    from optimization.recipe import Support

    found = recipe_of(recipe)
    if not isinstance(found, Support):
        raise BadInput(
            f"recipe {found.name} makes no judge of support", "--recipe judge, or a .toml whose kind is support"
        )
    made = judge.make(found, data, out, settings())
    console.say(f"{found.name}: {made}, {(made / 'model.onnx').stat().st_size / 1e6:.1f} MB")
    console.emit({"folder": str(made)}, as_json)


@app.command()
def verify(
    bundle: Path, key: Key, name: Annotated[str, typer.Option(help="The product that is expected.")] = "",
    minimum: Annotated[str, typer.Option(help="The lowest version that is accepted.")] = "", as_json: console.AsJson = False,
) -> None:  # fmt: skip
    """Check a bundle's signature and every file in it; exit code 2 where anything differs."""
    from optimization import bundle as room

    manifest = room.verify(bundle, key, name, minimum)
    console.say(
        f"{manifest.name} {manifest.version}: {len(manifest.files)} files as signed, for Python {manifest.python} on {manifest.platform}"
    )
    console.emit(manifest.model_dump(mode="json"), as_json)


@app.command()
def install(
    bundle: Path,
    key: Key,
    text: Annotated[list[str] | None, typer.Argument(help="Texts to classify, to see that it works.")] = None,
    to: Annotated[Path | None, typer.Option(help="The site's folder; without it, a throw-away one.")] = None,
    allow_downgrade_to: Annotated[str, typer.Option(help="An older version, by its number.")] = "",
    as_json: console.AsJson = False,
) -> None:
    """Install a bundle with the network off: into a site, or into a throw-away folder to prove that it works."""
    from optimization import site

    if to is None:
        answers, how = site.prove(bundle, key, text or ["a text to try it with"])
        console.say(how)
        for answer in answers:
            console.say(said(answer))
        return console.emit({"offline": how, "answers": answers}, as_json)
    manifest, how = site.install(bundle, key, to, allow_downgrade_to)
    console.say(how)
    console.say(f"installed {manifest.name} {manifest.version}: {to}/{manifest.name}/current/classify TEXT, or serve")
    return console.emit({"offline": how, "name": manifest.name, "version": manifest.version, "site": str(to)}, as_json)


def said(answer: dict[str, Any]) -> str:
    """A classification as a line."""
    verdict = answer["label"] if "label" in answer else "flagged" if answer["flagged"] else "passed"
    return f"  {verdict:8} {answer['score']:.4f}  {answer['text']}"


@app.command()
def champion(
    domain: Domain = "",
    until: Annotated[str, typer.Option(help="Last day of training; the pack's by default.")] = "",
    alias: Annotated[str, typer.Option(help="Registry alias to set: champion or challenger.")] = "",
    restart: Annotated[bool, typer.Option("--restart", help="Let --alias champion replace another version: the demo's story begins again.")] = False,
    as_json: console.AsJson = False,
) -> None:  # fmt: skip
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
    told = {"name": made.name, "version": made.version, "until": made.trained_until}
    console.emit(told | {"brier": made.brier.model_dump(), "run": made.run_id}, as_json)


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
    """Fetch the wheels that a bundle for this machine carries (part of `make setup`)."""
    from optimization.wheelhouse import Machine

    console.say(f"{len(Machine.this().wheels())} wheels for the bundle are in the store")


@app.command()
def demo(
    rows: Annotated[int, typer.Option(min=0, help="Training prompts; 0 takes all 15,012 (an hour on two cores).")] = 2500,
    as_json: console.AsJson = False,
) -> None:  # fmt: skip
    """Distil, quantize, compare, sign a bundle, install and run it with the network off."""
    from optimization import demo as story

    console.emit(story.demo(rows), as_json)


@app.command()
def bench(as_json: console.AsJson = False) -> None:
    """Measure this room and write benchmarks/optimization.json: two hours on two cores; goes on where it was cut off."""
    from optimization.bench import measure

    console.emit(measure(), as_json)


def load_pack(domain: str) -> "Pack":
    """The pack of an option or of the settings."""
    from common.settings import settings
    from domains.pack import load

    return load(domain or settings().domain)


if __name__ == "__main__":
    console.main(app)
