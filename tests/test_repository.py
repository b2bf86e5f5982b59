"""What must not be in the repository, and what its pages must agree on."""

import gzip
import json
import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REGISTRIES = re.compile(r"(pypi\.org|pythonhosted|npmjs|download\.pytorch|--(extra-)?index-url)", re.IGNORECASE)
MACHINE_PATHS = re.compile(r"(^|[^\w./-])/(work|root|farm|Users|home/\w+)/", re.MULTILINE)


def tracked() -> list[Path]:
    """Text files under version control, or about to be."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    return [
        ROOT / n
        for n in names
        if (ROOT / n).is_file()
        and not n.endswith((".parquet", ".png", ".onnx"))
        and not n.startswith("tests/test_repository")
    ]


def content(file: Path) -> str:
    """What a file says, unpacked."""
    return gzip.decompress(file.read_bytes()).decode() if file.suffix == ".gz" else file.read_text()


def test_no_registry_host_and_no_index_address() -> None:
    assert [str(f) for f in tracked() if REGISTRIES.search(content(f).replace("--no-emit-index-url", ""))] == []


def test_no_path_of_a_machine() -> None:
    assert [str(f) for f in tracked() if MACHINE_PATHS.search(content(f))] == []


def test_no_remote_code_pickle_or_open_address() -> None:
    bad = re.compile(
        r"trust_remote_code\s*=\s*True|pickle\.loads?\(|allow_pickle\s*=\s*True|shell\s*=\s*True|0\.0\.0\.0"
    )
    assert [
        str(f) for f in tracked() if f.suffix in (".py", ".sh", ".toml", ".ipynb", "") and bad.search(f.read_text())
    ] == []


def test_every_dependency_has_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text().split("[tool.ruff]")[0].splitlines()
    inside, bare = False, []
    for line in lines:
        inside = (inside or line.rstrip().endswith("= [")) and line.strip() != "]"
        if inside and line.strip().startswith('"') and "#" not in line:
            bare.append(line.strip())
    assert not bare


def test_pins_cover_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    light = (ROOT / "requirements" / "light.txt").read_text().lower()
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + [d for n, e in extras.items() if not n.startswith("torch") for d in e]
    names = [re.split(r"[<>=\[]", d)[0].lower() for d in wanted]
    assert [n for n in names if not re.search(rf"^{n}(\[.*\])?==", light, re.MULTILINE)] == []


def test_bundle_pins_are_those_of_the_light_environment() -> None:
    light = (ROOT / "requirements" / "light.txt").read_text().splitlines()
    assert [pin for pin in (ROOT / "requirements" / "bundle.txt").read_text().splitlines() if pin not in light] == []


def test_the_readme_names_only_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    rooms = re.search(r"^ROOMS := (.*)$", makefile, re.MULTILINE).group(1).split()  # type: ignore[union-attr]
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)) | {
        f"{kind}-{r}" for kind in ("demo", "bench") for r in rooms
    }
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / r / "README.md" for r in rooms)]
    named = {
        t
        for page in pages
        for t in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE)
        if not t.endswith("-")
    }
    assert named <= targets, named - targets


def test_ci_calls_the_readme_s_test_command() -> None:
    assert "`make test`" in (ROOT / "README.md").read_text() or "make test" in (ROOT / "README.md").read_text()
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_benchmark_files_have_the_house_s_form() -> None:
    found = sorted((ROOT / "benchmarks").glob("*.json"))
    assert found
    for file in found:
        content = json.loads(file.read_text())
        assert {"made_at", "machine", "command", "rows", "goals"} <= content.keys(), file
        for goal in content["goals"]:
            assert {"id", "goal", "value", "low", "high", "met", "command"} <= goal.keys(), (file, goal)


def test_readme_tables_are_those_of_the_benchmarks() -> None:
    from common.bench import page_of, tables

    for name, table in tables().items():
        readme = page_of(name).read_text()
        block = re.search(rf"<!-- table:{name} -->\n(.*?)<!-- end -->", readme, re.DOTALL)
        assert block, f"{page_of(name)} has no table {name}"
        assert block.group(1).strip() == table.strip(), f"stale: python -m common.bench readme  ({name})"
