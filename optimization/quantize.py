"""Smaller and faster forms of an exported model: one function a form, model.onnx in, model.onnx out.

int8          dynamic: weights signed, a scale a channel, embeddings too (they are most of the file)
int8-reduced  the same in seven bits: processors with AVX2 and no VNNI add pairs of products in 16 bits, which full range
              can overflow; never without per-channel scales, which alone lost four points in our trials
int8-static   QDQ with ranges measured on validation texts; products of two activations stay float
int8-int4     int8 products, the word embeddings in four bits (blocks of 32)
int4          four-bit weights in blocks of 32, products computed from them
float16       halves the file; no faster on a processor without float16 arithmetic
fused         float32 with ONNX Runtime's BERT fusions
"""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from common import files
from common.errors import Refused

CALIBRATION, BLOCK = 100, 32
PRODUCTS = ["MatMul", "Gemm"]


def dynamic(source: Path, target: Path, reduced: bool = False, kinds: list[str] | None = None) -> None:
    """Dynamic int8."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        source,
        target,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=reduced,
        op_types_to_quantize=kinds or [*PRODUCTS, "Gather"],
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )


class Texts:
    """The calibration reader that onnxruntime asks for batches: one text at a time, as it is served."""

    def __init__(self, folder: Path, texts: list[str]):
        from tokenizers import Tokenizer

        tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(json.loads((folder / "model.json").read_text())["max_tokens"])
        self._ids = iter([e.ids for e in tokenizer.encode_batch(texts)])

    def get_next(self) -> dict[str, Any] | None:
        """One feed, or None at the end."""
        ids = next(self._ids, None)
        return ids and {"ids": np.array([ids]), "mask": np.ones((1, len(ids)), np.int64)}


def static(source: Path, target: Path, texts: list[str]) -> None:
    """Static int8. Percentile and entropy ranges do not take texts of different lengths, so minimum and maximum."""
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    graph = onnx.load(source).graph
    weights = {w.name for w in graph.initializer}
    activations = [n.name for n in graph.node if n.op_type == "MatMul" and not weights & set(n.input)]
    quantize_static(
        source,
        target,
        Texts(source.parent, texts[:CALIBRATION]),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=[*PRODUCTS, "Gather"],
        nodes_to_exclude=activations,
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
        activation_type=QuantType.QUInt8,
        calibrate_method=CalibrationMethod.MinMax,
    )


def four_bits(source: Path, target: Path, kinds: tuple[str, ...]) -> None:
    """Block-wise four-bit weights of the products, the word embeddings, or both. Refused where nothing was quantized."""
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    model = onnx.load(source)
    sizes = {w.name: int(np.prod(w.dims)) for w in model.graph.initializer}
    tables = {n.name: sizes.get(n.input[0], 0) for n in model.graph.node if n.op_type == "Gather"}
    # positions and token types: small tables, slower to unpack than they save
    small = [name for name, size in tables.items() if size < max(tables.values())]
    config = DefaultWeightOnlyQuantConfig(
        block_size=BLOCK, is_symmetric=False, bits=4, op_types_to_quantize=kinds, quant_axes=(("Gather", 1),)
    )
    quantizer = MatMulNBitsQuantizer(model, nodes_to_exclude=small, algo_config=config)
    quantizer.process()
    made: Any = quantizer.model
    made.save_model_to_file(str(target), False)
    found = {n.op_type for n in onnx.load(target).graph.node}
    if "Gather" in kinds and "GatherBlockQuantized" not in found:  # the library logs an error and goes on
        raise Refused(f"{source}: no table of embeddings was quantized", "leave int4 and int8-int4 out of `variants`")


def mixed(source: Path, target: Path) -> None:
    """int8 products and four-bit word embeddings."""
    between = target.with_suffix(".products.onnx")
    dynamic(source, between, reduced=True, kinds=PRODUCTS)
    four_bits(between, target, ("Gather",))
    between.unlink()


def float16(source: Path, target: Path) -> None:
    """Half precision inside, float32 at the ends."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    onnx.save(convert_float_to_float16(onnx.load(source), keep_io_types=True), target)


def fused(source: Path, target: Path) -> None:
    """ONNX Runtime's BERT fusions: bias with GELU, skip with normalisation."""
    from onnxruntime.transformers import optimizer
    from onnxruntime.transformers.fusion_options import FusionOptions

    # no heads given: it finds them where attention is fused
    optimizer.optimize_model(
        str(source), model_type="bert", optimization_options=FusionOptions("bert"), opt_level=0, use_gpu=False
    ).save_model_to_file(str(target))


FORMS: dict[str, Callable[[Path, Path, list[str]], None]] = {
    "int8": lambda s, t, _: dynamic(s, t),
    "int8-reduced": lambda s, t, _: dynamic(s, t, reduced=True),
    "int8-static": static,
    "int8-int4": lambda s, t, _: mixed(s, t),
    "int4": lambda s, t, _: four_bits(s, t, ("MatMul", "Gather")),
    "float16": lambda s, t, _: float16(s, t),
    "fused": lambda s, t, _: fused(s, t),
}


def quantize(model: Path, form: str, calibration: list[str]) -> Path:
    """`model`-FORM beside an exported model's folder, unless it is there. `calibration`: texts for static ranges."""
    target = model.with_name(f"{model.name}-{form}")
    if target.exists():
        return target
    with quietly(), files.new_folder(target) as made:
        FORMS[form](model / "model.onnx", made / "model.onnx", calibration)
        for name in ("tokenizer.json", "model.json"):
            (made / name).hardlink_to(model / name)
    return target


@contextmanager
def quietly() -> Iterator[None]:
    """Without the library's advice to pre-process, which is for models with unknown shapes."""
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)
    try:
        yield
    finally:
        logging.getLogger().setLevel(level)
