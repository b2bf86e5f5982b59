"""One variant in a process of its own: what it says, how fast, how large in memory, how long from nothing to an answer.

    python -m optimization.measure RUNTIME FOLDER TEXTS.json --began SECONDS [--threads N] [--score SCORES.npy] [--alone]

RUNTIME is a name of `RUNTIMES`; those that PyTorch, OpenVINO or model2vec run are started in .venv-torch. Prints JSON:
cold_start (s, from `--began`, the time at which the process was started, to the first answer), latencies (ms, one text at
a time), throughput (texts/s in batches of 32) and peak (MB of memory, libraries and model, after the timing). With --alone
the texts are scored one at a time: a model with dynamic int8 answers a little differently in a batch, whose range it takes.
Without texts to time (an empty list) it stops after the first answer: a cold start alone.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WARM, TIMED, BATCHED = 5, 150, 512


def torch_model(folder: Path) -> Any:
    """The teacher in PyTorch, as it was trained; `folder` is its exported one, HOME/STUDENTS/models/teacher."""
    from transformers.utils import logging as chatter

    from optimization.network import Encoder, restore

    chatter.set_verbosity_error()
    chatter.disable_progress_bar()
    home = folder.parents[2]
    labels = len(json.loads((folder / "model.json").read_text())["labels"])
    return restore(Encoder.load(home / "base", labels), home / "teacher" / "model.safetensors").eval()


def eager(folder: Path, threads: int) -> Callable[[list[str]], Any]:
    """PyTorch, as the teacher was trained."""
    return with_torch(folder, threads, compiled=False)


def compiled(folder: Path, threads: int) -> Callable[[list[str]], Any]:
    """PyTorch, compiled with dynamic shapes. Needs a C++ compiler."""
    return with_torch(folder, threads, compiled=True)


def with_torch(folder: Path, threads: int, compiled: bool) -> Callable[[list[str]], Any]:
    """The teacher's network behind the same windows and batches as every other."""
    import torch

    from optimization.classify import Network, read_settings

    torch.set_num_threads(threads)
    model: Any = torch_model(folder)
    if compiled:
        model = torch.compile(model, dynamic=True)

    def run(ids: Any, mask: Any) -> Any:
        with torch.inference_mode():
            return model(torch.as_tensor(ids), torch.as_tensor(mask)).numpy()

    return Network(folder, read_settings(folder), threads, run).probabilities


def openvino(folder: Path, threads: int) -> Callable[[list[str]], Any]:
    """OpenVINO on model.xml, quantized by NNCF (`optimization.baselines`)."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # else it looks up an analytics host
    import openvino as ov

    from optimization.classify import Network, read_settings

    core = ov.Core()
    # float32 where it is not int8: its own choice is bfloat16 where the processor has it
    hints = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    made = core.compile_model(core.read_model(folder / "model.xml"), "CPU", hints)
    return Network(
        folder, read_settings(folder), threads, lambda ids, mask: made({"ids": ids, "mask": mask})[0]
    ).probabilities


def model2vec(folder: Path, threads: int) -> Callable[[list[str]], Any]:
    """A static model and its linear head (`optimization.baselines`)."""
    import numpy as np
    from model2vec import StaticModel

    vectors = StaticModel.from_pretrained(folder / "vectors")
    with np.load(folder / "head.npz", allow_pickle=False) as kept:
        coef, intercept = kept["coef"], kept["intercept"]

    def probabilities(texts: list[str]) -> Any:
        logits = vectors.encode(list(texts)) @ coef.T + intercept
        shifted = np.exp(logits - logits.max(1, keepdims=True))
        return shifted / shifted.sum(1, keepdims=True)

    return probabilities


def shipped(folder: Path, threads: int) -> Callable[[list[str]], Any]:
    """What a bundle carries: ONNX Runtime, or the lexical model in numpy."""
    from optimization.classify import Classifier

    return Classifier(folder, threads).probabilities


RUNTIMES = {
    "shipped": shipped,
    "eager": eager,
    "compiled": compiled,
    "openvino": openvino,
    "model2vec": model2vec,
}


def peak() -> float:
    """Most memory that this process has held, MB. Linux: from its status, because getrusage keeps the parent's mark."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(next(x for x in status.read_text().splitlines() if x.startswith("VmHWM")).split()[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def timed(score: Callable[[list[str]], Any], texts: list[str]) -> tuple[list[float], float]:
    """(milliseconds of each text alone, texts a second in batches of 32)."""
    for text in texts[:WARM]:
        score([text])
    alone = []
    for text in texts[:TIMED]:
        began = time.perf_counter()
        score([text])
        alone.append((time.perf_counter() - began) * 1000)
    many = (texts * (BATCHED // len(texts) + 1))[:BATCHED]
    score(many[:64])
    began = time.perf_counter()
    for start in range(0, BATCHED, 32):
        score(many[start : start + 32])
    return alone, BATCHED / (time.perf_counter() - began)


def main(given: argparse.Namespace) -> dict[str, Any]:
    """Measure."""
    score = RUNTIMES[given.runtime](given.folder, given.threads)
    score(["How much did the index lose in the autumn?"])
    found: dict[str, Any] = {"cold_start": time.time() - given.began}
    texts = json.loads(given.texts.read_text())
    if not texts["timed"]:
        return found
    found["latencies"], found["throughput"] = timed(score, texts["timed"])
    found["peak"] = peak()
    if given.score:
        import numpy as np

        batches = [[t] for t in texts["scored"]] if given.alone else [texts["scored"]]
        np.save(given.score, np.concatenate([score(batch) for batch in batches]))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runtime", choices=RUNTIMES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--began", type=float, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--score", type=Path)
    parser.add_argument("--alone", action="store_true")
    sys.stdout.write(json.dumps(main(parser.parse_args())) + "\n")
