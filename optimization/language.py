"""Build and measure a small language model for ONNX Runtime's generator. Runs in .venv-torch:

    python -m optimization.language build SOURCE TARGET PRECISION BLOCK
    python -m optimization.language measure RUNTIME FOLDER TASK.json --threads N [--began SECONDS]

Built by onnxruntime-genai's model builder from a checkpoint on this machine; no code of the model's is run. RUNTIME is
`genai` or `pytorch` (the float32 checkpoint). Prints JSON: log-likelihood of every token of the task's texts, tokens a
second when generating, seconds to the first token of a prompt, peak MB.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from optimization.measure import peak

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", ORT_DISABLE_TELEMETRY="1")
CHUNK, PROMPT, REPEATS = 256, 64, 3


def build(source: Path, target: Path, precision: str, block: int) -> None:
    """A folder that onnxruntime-genai reads: model.onnx with its data, genai_config.json, the tokenizer.

    int8: every product in blocks of eight bits, the embeddings tied to the output layer, which at 49,152 tokens is a
    fifth of the model. int4: the builder's mixture of four and eight bits (k-quants), the better of two sizes.
    int4-small: four bits throughout. The result is opened once, because the builder can write what does not load.
    """
    import onnxruntime_genai as og
    from onnxruntime_genai.models import builder
    from transformers import AutoConfig

    options: dict[str, Any] = {}
    names, kind = ["hf_token=false"], "fp32" if precision == "fp32" else "int4"
    if precision == "int4":
        names.append("algo_config=k_quant_mixed")
    if (
        precision == "int8"
    ):  # "int4" to the builder, and eight bits for each product by name: so the embeddings are tied
        layers = int(AutoConfig.from_pretrained(source).num_hidden_layers)
        parts = ("attn/qkv_proj", "attn/o_proj", "mlp/gate_proj", "mlp/up_proj", "mlp/down_proj")
        products = [f"/model/layers.{i}/{p}/MatMul" for i in range(layers) for p in parts]
        weights = {
            "type": "int4", "method": "rtn", "block_size": block, "accuracy_level": 4, "op_types": ["MatMul", "Gather"],
            "overrides": [{"match": {"name": name}, "type": "int8"} for name in [*products, "/lm_head/MatMul"]],
        }  # fmt: skip
        options = {"builder_config_version": 2, "target_options": {"quant_config": {"weights": weights}}}
    cache = str(target.with_suffix(".cache"))
    extra = builder.parse_extra_options("", str(source), str(target), kind, "cpu", cache, names, **options)
    builder.create_model("", str(source), str(target), kind, "cpu", cache, **extra)
    og.Model(og.Config(str(target)))


def likelihood(logits: Any, following: Any) -> Any:
    """log P of each following token, (n,), from logits (n, vocabulary)."""
    scores = np.asarray(logits, np.float64)
    largest = scores.max(-1, keepdims=True)
    return scores[np.arange(len(following)), following] - largest[:, 0] - np.log(np.exp(scores - largest).sum(-1))


class Genai:
    """onnxruntime-genai on `threads` cores."""

    def __init__(self, folder: Path, threads: int):
        import onnxruntime_genai as og

        self._og, config = og, og.Config(str(folder))
        threads_of = {"intra_op_num_threads": threads, "inter_op_num_threads": 1}
        config.overlay(json.dumps({"model": {"decoder": {"session_options": threads_of}}}))
        self._model = og.Model(config)

    def _generator(self, longest: int) -> Any:
        parameters = self._og.GeneratorParams(self._model)
        parameters.set_search_options(max_length=longest, do_sample=False)
        return self._og.Generator(self._model, parameters)

    def score(self, ids: list[int]) -> Any:
        """log P of ids[1:], given what is before each."""
        generator, found = self._generator(len(ids) + 1), []
        for start in range(0, len(ids), CHUNK):
            generator.append_tokens(np.array(ids[start : start + CHUNK], np.int32))
            following = ids[start + 1 : start + CHUNK + 1]
            found.append(likelihood(np.asarray(generator.get_output("logits"))[0][: len(following)], following))
        return np.concatenate(found)

    def generate(self, ids: list[int], n: int) -> tuple[float, float]:
        """(seconds to the first token, tokens a second after it)."""
        began = time.perf_counter()
        generator = self._generator(len(ids) + n + 1)
        generator.append_tokens(np.array(ids, np.int32))
        generator.generate_next_token()
        first = time.perf_counter()
        made = 0
        while made < n - 1 and not generator.is_done():
            generator.generate_next_token()
            made += 1
        return first - began, made / (time.perf_counter() - first)


class Pytorch:
    """The float32 checkpoint."""

    def __init__(self, folder: Path, threads: int):
        import torch
        from transformers import AutoModelForCausalLM
        from transformers.utils import logging as chatter

        chatter.set_verbosity_error()
        chatter.disable_progress_bar()
        torch.set_num_threads(threads)
        self._torch = torch
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, trust_remote_code=False).eval()

    def score(self, ids: list[int]) -> Any:
        """See `Genai`."""
        with self._torch.inference_mode():
            logits = self._model(self._torch.tensor([ids[:-1]])).logits[0].numpy()
        return likelihood(logits, ids[1:])

    def generate(self, ids: list[int], n: int) -> tuple[float, float]:
        """See `Genai`."""
        times = []
        with self._torch.inference_mode():
            tokens, cache = self._torch.tensor([ids]), None
            times.append(time.perf_counter())
            for _ in range(n):
                out = self._model(tokens, past_key_values=cache, use_cache=True)
                cache, tokens = out.past_key_values, out.logits[:, -1:].argmax(-1)
                times.append(time.perf_counter())
        return times[1] - times[0], (n - 1) / (times[-1] - times[1])


RUNTIMES: dict[str, Callable[[Path, int], Any]] = {"genai": Genai, "pytorch": Pytorch}


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Score and time."""
    task = json.loads(given.task.read_text())
    model = RUNTIMES[given.runtime](given.folder, given.threads)
    prompt = task["texts"][0][:PROMPT]
    model.generate(prompt, 4)
    timed = [model.generate(prompt, task["decode"]) for _ in range(REPEATS)]
    found = {"first_token": [t[0] for t in timed], "tokens_per_second": [t[1] for t in timed]}
    found["peak"] = peak()  # type: ignore[assignment]
    if given.score:
        found["scores"] = [model.score(ids).tolist() for ids in task["texts"]]
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    builds = commands.add_parser("build")
    builds.add_argument("source", type=Path)
    builds.add_argument("target", type=Path)
    builds.add_argument("precision")
    builds.add_argument("block", type=int)
    measures = commands.add_parser("measure")
    measures.add_argument("runtime", choices=RUNTIMES)
    measures.add_argument("folder", type=Path)
    measures.add_argument("task", type=Path)
    measures.add_argument("--threads", type=int, default=2)
    measures.add_argument("--score", action="store_true")
    arguments = parser.parse_args()
    if arguments.command == "build":
        build(arguments.source, arguments.target, arguments.precision, arguments.block)
    else:
        sys.stdout.write("\n" + json.dumps(measure(arguments)) + "\n")
