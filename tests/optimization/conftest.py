"""The tiny model and its bundle as fixtures, and one small guard that all slow tests share."""

from pathlib import Path

import pytest

from optimization import bundle
from optimization.wheelhouse import Machine
from tests.optimization.bundles import build, write_model


@pytest.fixture
def model(tmp_path, store) -> Path:
    """A tiny detector."""
    if not (store / "minilm-torch" / "tokenizer.json").exists():
        pytest.skip("the store has no tokenizer: make setup")
    return write_model(tmp_path / "model", store, ["benign", "injection"], 1)


@pytest.fixture
def wheels(monkeypatch, tmp_path) -> Path:
    """One stand-in wheel with real metadata; the real ones are installed in the slow tests."""
    import zipfile

    wheel = tmp_path / "nothing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(
            zipfile.ZipInfo("nothing-1.0.dist-info/METADATA"),
            "Metadata-Version: 2.4\nName: nothing\nVersion: 1.0\nLicense-Expression: MIT\n",
        )
    monkeypatch.setattr(Machine, "wheels", lambda self, lexical=False: [wheel])
    return wheel


@pytest.fixture
def built(home, model, wheels, tmp_path) -> tuple[Path, Path]:
    """(a signed bundle of the tiny model, the public key)."""
    return build(model, tmp_path / "guard.tar"), bundle.keys()[1]
