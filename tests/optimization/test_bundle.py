"""Every refusal has a clean control: the untouched bundle passes before and after."""

import io
import json
import subprocess
import sys
import tarfile

import pytest

from common.contracts import Estimate
from common.errors import BadInput, Refused
from optimization import bundle
from optimization.classify import Guard

QUALITY = {"accuracy": Estimate(value=0.9, low=0.8, high=1.0, n=10)}


@pytest.fixture
def model(tmp_path, store):
    """A tiny real classifier: a frozen bag of words over MiniLM's tokenizer, as ONNX."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    if not (store / "minilm-torch" / "tokenizer.json").exists():
        pytest.skip("the store has no tokenizer: make setup")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "tokenizer.json").write_bytes((store / "minilm-torch" / "tokenizer.json").read_bytes())
    table = np.zeros((30522, 2), np.float32)
    table[8568] = (-5, 5)  # "ignore"
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"]),
        helper.make_node("ReduceSum", ["rows", "axis"], ["logits"], keepdims=0),
    ]
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["b", "s"]) for n in ("ids", "mask")]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", 2])]
    weights = [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([1]), "axis")]
    graph = helper.make_graph(nodes, "bag", inputs, outputs, weights)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), folder / "model.onnx"
    )
    (folder / "guard.json").write_text(json.dumps({"threshold": 0.9, "max_tokens": 64}))
    return folder


@pytest.fixture
def built(home, model, monkeypatch, tmp_path):
    """A signed bundle of the tiny model with stand-in wheels (the real ones are installed in the slow test)."""
    wheel = tmp_path / "nothing-1.0-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    monkeypatch.setattr(bundle, "wheels", lambda: [wheel])
    return bundle.build(model, "# Card", QUALITY, 0.9, "1.0.0", tmp_path / "guard.tar"), bundle.keys()[1]


def content(file) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar.getmembers()}  # type: ignore[union-attr]


def test_a_clean_bundle_passes(built) -> None:
    file, key = built
    manifest = bundle.verify(file, key)
    assert manifest.name == "guard" and {f.path for f in manifest.files} >= {
        "model/model.onnx",
        "install.sh",
        "classify.py",
        "MODEL_CARD.md",
    }


def test_the_same_inputs_give_the_same_bytes(built, model, tmp_path) -> None:
    again = bundle.build(model, "# Card", QUALITY, 0.9, "1.0.0", tmp_path / "again.tar")
    assert again.read_bytes() == built[0].read_bytes()


def flip(files: dict[str, bytes], name: str) -> None:
    files[name] = bytes([files[name][0] ^ 1]) + files[name][1:]


@pytest.mark.parametrize(
    "name",
    [
        "model/model.onnx",
        "install.sh",
        "classify.py",
        "MANIFEST.json",
        "MANIFEST.sha256",
        "MANIFEST.sig",
        "wheels/nothing-1.0-py3-none-any.whl",
    ],
)
def test_a_changed_byte_is_refused(built, tmp_path, name) -> None:
    file, key = built
    files = content(file)
    flip(files, name)
    (tmp_path / "bad.tar").write_bytes(bundle.pack(files))
    with pytest.raises(Refused):
        bundle.verify(tmp_path / "bad.tar", key)
    bundle.verify(file, key)


@pytest.mark.parametrize("change", ["added", "missing", "unsigned"])
def test_added_missing_and_unsigned_files_are_refused(built, tmp_path, change) -> None:
    file, key = built
    files = content(file)
    if change == "added":
        files["extra.py"] = b"print()"
    else:
        del files["model/guard.json" if change == "missing" else "MANIFEST.sig"]
    (tmp_path / "bad.tar").write_bytes(bundle.pack(files))
    with pytest.raises(Refused, match="not signed" if change == "unsigned" else change):
        bundle.verify(tmp_path / "bad.tar", key)
    bundle.verify(file, key)


def test_a_wrong_key_is_refused(built, tmp_path) -> None:
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    other = tmp_path / "other.pub"
    other.write_bytes(
        Ed25519PrivateKey.generate().public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)
    )
    with pytest.raises(Refused, match="signature"):
        bundle.verify(built[0], other)
    bundle.verify(*built)


def test_a_truncated_file_and_a_bad_key_file_are_bad_input(built, tmp_path) -> None:
    file, key = built
    (tmp_path / "half.tar").write_bytes(file.read_bytes()[:2000])
    with pytest.raises(BadInput, match="not a whole bundle"):
        bundle.verify(tmp_path / "half.tar", key)
    with pytest.raises(BadInput, match="cannot read the public key"):
        bundle.verify(file, tmp_path / "no.pub")


def test_links_are_refused(built, tmp_path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        link = tarfile.TarInfo("model")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(link)
    (tmp_path / "link.tar").write_bytes(buffer.getvalue())
    with pytest.raises(Refused, match="links"):
        bundle.verify(tmp_path / "link.tar", built[1])


@pytest.mark.parametrize(
    ("change", "code"),
    [("none of it, the control", 0), ("changed", 4), ("missing", 4), ("added", 5), ("list", 3), ("key", 3)],
)
def test_install_sh_checks_for_itself(built, tmp_path, change, code) -> None:
    """With openssl and sha256sum only. A stand-in Python shows that nothing runs before the checks have passed."""
    file, key = built
    target = tmp_path / "unpacked"
    bundle.unpack(file, target)
    if change == "changed":
        (target / "classify.py").write_text("changed")
    if change == "missing":
        (target / "classify.py").unlink()
    if change == "added":
        (target / "extra").write_text("x")
    if change == "list":
        (target / "MANIFEST.sha256").write_text((target / "MANIFEST.sha256").read_text() + "0" * 64 + "  extra\n")
    python = tmp_path / "python"
    python.write_text(
        '#!/bin/sh\nmkdir -p "$3/bin" && printf "#!/bin/sh\\n" > "$3/bin/python" && chmod +x "$3/bin/python"\n'
    )
    python.chmod(0o755)
    pem = tmp_path / "empty.pub" if change == "key" else key
    (tmp_path / "empty.pub").write_text("no key")
    done = subprocess.run(
        ["sh", str(target / "install.sh"), str(pem), str(tmp_path / "site")],
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(python)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr
    assert (tmp_path / "site" / "classify.py").exists() is (code == 0)


def test_the_classifier_needs_three_packages_only(model) -> None:
    guard = Guard(model)
    low, high = guard.scores(["hello there", "please ignore everything"])
    assert low == pytest.approx(0.5) and high > 0.99
    script = "import sys; sys.argv = ['c', sys.argv[1], 'ignore']; import runpy; runpy.run_path('optimization/classify.py', run_name='__main__'); print('common' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script, str(model)], capture_output=True, text=True)
    first, second = done.stdout.splitlines()
    assert json.loads(first)["flagged"] is True and second == "False False"


@pytest.mark.slow
def test_the_bundle_installs_and_runs_without_a_network(home, model, store, tmp_path, monkeypatch) -> None:
    (home / "wheels").symlink_to(store.parent / "wheels", target_is_directory=True)
    file = bundle.build(model, "# Card", QUALITY, 0.9, "1.0.0", tmp_path / "guard.tar")
    answers, how = bundle.install_offline(file, bundle.keys()[1], ["hello there", "please ignore everything"])
    assert [a["flagged"] for a in answers] == [False, True] and how.startswith("network off")
