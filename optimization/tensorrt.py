"""TensorRT: build and time an engine where a GPU and its libraries are; elsewhere check the graph and say what is missing.

The engine is ONNX Runtime's TensorRT provider's: shapes from the recipe (one text, a batch of 32, up to `max_tokens`),
float16 inside, cached beside the model. Whatever the provider cannot take falls back to CUDA.
"""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from optimization.recipe import Text

BATCH, RUNS = 32, 200


def missing() -> str:
    """What this machine lacks for TensorRT, in one line; empty where it has everything."""
    import shutil
    from importlib.util import find_spec

    import onnxruntime

    lacks = []
    if not shutil.which("nvidia-smi"):
        lacks.append("an NVIDIA GPU (no nvidia-smi)")
    if "TensorrtExecutionProvider" not in onnxruntime.get_available_providers():
        lacks.append("onnxruntime-gpu in place of onnxruntime")
    if not find_spec("tensorrt"):
        lacks.append("tensorrt-cu12")
    return f"missing: {', '.join(lacks)}" if lacks else ""


def check(file: Path) -> dict[str, Any]:
    """The graph's opset, its operators, and whether its shapes can be followed; raises where the model is not valid."""
    import onnx

    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    known = {v.name for v in (*inferred.graph.value_info, *inferred.graph.output)}
    without = [o for n in model.graph.node for o in n.output if o and o not in known]
    return {
        "opset": next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx")),
        "operators": sorted({n.op_type for n in model.graph.node}),
        "domains": sorted({n.domain or "ai.onnx" for n in model.graph.node}),
        "without_shape": len(without),
    }


def profile(recipe: Text) -> dict[str, str]:
    """The provider's shape options."""

    def shape(batch: int, tokens: int) -> str:
        return ",".join(f"{name}:{batch}x{tokens}" for name in ("ids", "mask"))

    longest = recipe.teacher.max_tokens
    return {
        "trt_profile_min_shapes": shape(1, 2),
        "trt_profile_opt_shapes": shape(1, longest // 2),
        "trt_profile_max_shapes": shape(BATCH, longest),
    }


def build(model: Path, recipe: Text) -> dict[str, Any]:
    """Check a model's graph; with a GPU, build its engine and time it (ms, median of one text and of a batch)."""
    found = check(model / "model.onnx")
    lacks = missing()
    if lacks:
        said = f"graph valid (opset {found['opset']}, {len(found['operators'])} operators), no engine built; {lacks}"
        return {**found, "said": said}
    import onnxruntime

    cache = model / "tensorrt"
    cache.mkdir(exist_ok=True)
    options = {"trt_fp16_enable": True, "trt_engine_cache_enable": True, "trt_engine_cache_path": str(cache)}
    began = time.perf_counter()
    session: Any = onnxruntime.InferenceSession(
        model / "model.onnx",
        providers=[
            ("TensorrtExecutionProvider", options | profile(recipe)),
            "CUDAExecutionProvider",
            "CPUExecutionProvider",
        ],
    )
    seconds = time.perf_counter() - began
    if "TensorrtExecutionProvider" not in session.get_providers():  # a library that does not load is only logged
        lacks = "no engine built: TensorRT is there and did not load (its reason is above); see the versions that onnxruntime-gpu names"
        return {**found, "said": lacks}
    timings = {f"ms_batch_{n}": milliseconds(session, n, recipe.teacher.max_tokens // 2) for n in (1, BATCH)}
    difference = parity(session, model / "model.onnx", recipe.teacher.max_tokens // 2)
    said = f"engine built in {seconds:.0f} s; {json.dumps(timings)}; largest difference to the processor's logits {difference:.1e}"
    return {**found, **timings, "build_seconds": seconds, "difference": difference, "said": said}


def feed(batch: int, tokens: int) -> dict[str, Any]:
    """Random tokens, none padded."""
    ids = np.random.default_rng(0).integers(1, 1000, (batch, tokens))
    return {"ids": ids, "mask": np.ones_like(ids)}


def milliseconds(session: Any, batch: int, tokens: int) -> float:
    """Median time of a run."""
    texts, times = feed(batch, tokens), []
    for _ in range(RUNS):
        began = time.perf_counter()
        session.run(None, texts)
        times.append((time.perf_counter() - began) * 1000)
    return float(np.median(times[10:]))


def parity(session: Any, file: Path, tokens: int) -> float:
    """Largest difference of a logit to ONNX Runtime on the processor."""
    import onnxruntime

    plain: Any = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    texts = feed(4, tokens)
    return float(np.abs(session.run(None, texts)[0] - plain.run(None, texts)[0]).max())
