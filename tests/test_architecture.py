"""The two walls of the house."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("serving", "monitoring", "evaluation", "agents", "optimization")
MAY_IMPORT = {"common": set(), "domains": {"common"}} | {room: {"common", "domains"} for room in ROOMS}
HEAVY = {
    "mlflow",
    "torch",
    "pandas",
    "evidently",
    "deepeval",
    "ragas",
    "langgraph",
    "onnxruntime",
    "presidio_analyzer",
    "wandb",
    "openai",
    "matplotlib",
    "pydantic",
}


def imports(file: Path) -> set[str]:
    """Top-level packages that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_room_imports_common_and_domains_and_no_other_room(package: str) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files
    crossings = {
        str(f.relative_to(ROOT)): sorted(imports(f) & (MAY_IMPORT.keys() - MAY_IMPORT[package] - {package}))
        for f in files
    }
    assert not {f: c for f, c in crossings.items() if c}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_room_names_another_only_on_a_command_line(package: str) -> None:
    """`python -m optimization` is the wall's door; importlib would be a hole in it."""
    for file in (ROOT / package).rglob("*.py"):
        assert "importlib.import_module" not in file.read_text(), file


@pytest.mark.parametrize("module", [*ROOMS, "domains", "common.models"])
def test_help_loads_no_heavy_library(module: str) -> None:
    script = (
        "import runpy, sys; sys.argv = ['x', '--help']\n"
        f"try: runpy.run_module('{module}', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as e: assert not e.code\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout
    assert done.stderr.strip().endswith("[]"), done.stderr


def test_source_files_can_be_read_in_one_sitting() -> None:
    long = {
        str(f.relative_to(ROOT)): n
        for p in MAY_IMPORT
        for f in (ROOT / p).rglob("*.py")
        if (n := len(f.read_text().splitlines())) > 350
    }
    assert not long


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(f) for p in MAY_IMPORT for f in (ROOT / p).rglob("*.py") if not ast.get_docstring(ast.parse(f.read_text()))
    ]
    assert not silent
