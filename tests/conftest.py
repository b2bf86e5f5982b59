"""Shared by all tests: the network is off, every test that writes has a home of its own, servers are shared.

Tests run on the real parts. The only fake is the `echo` engine, which says that it is one.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("APPROVE", "")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from common import isolation  # noqa: E402

isolation.guard()  # also where the run is inside a network namespace already


@pytest.fixture(scope="session")
def store() -> Path:
    """The model store that `make setup-torch` filled."""
    return Path(os.environ.get("FIELDKIT_HOME", ROOT / ".fieldkit")) / "models"


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables, made once: the migrations take seconds."""
    import mlflow

    file = tmp_path_factory.mktemp("template") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{file}").search_experiments()
    return file


@pytest.fixture(scope="session")
def make_home(store: Path, empty_database: Path, tmp_path_factory: pytest.TempPathFactory):
    """A function that makes a fresh FIELDKIT_HOME with the model store linked in."""

    def make(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        if store.exists():
            (folder / "models").symlink_to(store, target_is_directory=True)
        shutil.copyfile(empty_database, folder / "mlflow.db")
        return folder

    return make


def forget() -> None:
    """Drop everything that a process remembers about its home."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):  # MLflow writes them when its address is set
        os.environ.pop(name, None)
    from agents import config as agents
    from common import settings, tracking
    from serving import config as serving

    for cached in (settings.settings, tracking.mlflow_client, agents.settings, serving.settings):
        cached.cache_clear()


@pytest.fixture
def home(make_home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A fresh home for one test, in this process and in those it starts."""
    folder = make_home("home")
    monkeypatch.setenv("FIELDKIT_HOME", str(folder))
    forget()
    yield folder
    forget()


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_cli(
    *arguments: str, env: dict[str, str] | None = None, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run `python -m ...` from the repository's root, with the terminal closed."""
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | (env or {}),
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="session")
def serve(make_home):
    """A function: engine name -> its URL. Each engine is started once a session, through the command line."""
    up: dict[str, dict[str, str]] = {}

    def start(engine: str) -> str:
        if engine not in up:
            port = str(free_port())
            env = {
                "ENGINE": engine,
                "SERVING_PORT": port,
                "FIELDKIT_HOME": str(make_home(engine)),
                "START_TIMEOUT": "500",
            }
            done = run_cli("serving", "up", env=env, timeout=560)
            assert done.returncode == 0, done.stderr
            up[engine] = env
        return f"http://127.0.0.1:{up[engine]['SERVING_PORT']}/v1"

    yield start
    for env in up.values():
        run_cli("serving", "down", env=env)


@pytest.fixture(scope="session")
def echo_url(serve) -> str:
    """The echo engine."""
    return serve("echo")


@pytest.fixture(scope="session")
def finance():
    """The finance pack."""
    from domains.pack import load

    return load("finance")


@pytest.fixture(scope="session")
def encoder(store: Path):
    """MiniLM; skips with the reason where it was not set up."""
    from common.encoder import Encoder

    if not (store / "minilm" / "model.onnx").exists():
        pytest.skip("the store has no minilm: make setup-torch")
    return Encoder(store / "minilm")


@pytest.fixture(scope="session")
def labelled_data():
    """A function: name of a file that people labelled -> its path; skips with the reason where it is absent."""

    def find(name: str) -> Path:
        file = Path(os.environ.get("LABELLED_DATA", ROOT.parent / "shared" / "data")) / name
        if not file.exists():
            pytest.skip(f"no {name}: it is not part of the kit; LABELLED_DATA=FOLDER says where it lies")
        return file

    return find
