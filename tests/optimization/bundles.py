"""A tiny real model, bundles of it, and what they hold: shared by the tests of this room."""

import json
import tarfile
from pathlib import Path

import numpy as np

from common.contracts import Estimate
from optimization import bundle
from optimization.wheelhouse import Machine

QUALITY = {"accuracy": Estimate(value=0.9, low=0.8, high=1.0, n=10)}
REPORTS = {"MODEL_CARD.md": b"# Card\n"}


def write_model(folder: Path, store: Path, labels: list[str], positive: int | None) -> Path:
    """A frozen bag of words over MiniLM's tokenizer, as ONNX: "ignore" is the last label, anything else the first."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir(parents=True)
    (folder / "tokenizer.json").write_bytes((store / "minilm-torch" / "tokenizer.json").read_bytes())
    table = np.zeros((30522, len(labels)), np.float32)
    table[8568, -1], table[8568, 0] = 5, -5  # "ignore"
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"]),
        helper.make_node("ReduceSum", ["rows", "axis"], ["logits"], keepdims=0),
    ]
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["b", "s"]) for n in ("ids", "mask")]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", len(labels)])]
    weights = [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([1]), "axis")]
    graph = helper.make_graph(nodes, "bag", inputs, outputs, weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(made, folder / "model.onnx")
    settings = {"labels": labels, "positive": positive, "threshold": 0.9, "max_tokens": 16}
    (folder / "model.json").write_text(json.dumps(settings))
    return folder


def build(
    model: Path, target: Path, version: str = "1.0.0", name: str = "guard", machine: Machine | None = None
) -> Path:
    """A bundle of a model folder."""
    here = machine or Machine.this()
    return bundle.build(name, version, model, REPORTS, QUALITY, {"model": "MIT"}, "", b"training", here, target)


def content(file: Path) -> dict[str, bytes]:
    """What a bundle holds."""
    with tarfile.open(file) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar.getmembers()}  # type: ignore[union-attr]
