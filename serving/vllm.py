"""The command that runs vLLM's OpenAI server, setting by setting, each with its reason (`make bench-serving` measures them)."""

import json
import os
from pathlib import Path

from common import environments
from common.errors import BadInput
from serving.config import ServingSettings

# Additions to the environment on a CPU. None of these is a default of vLLM's; `make bench-serving` measures each.
CPU = {
    # Engine and worker in one process: a third of the start is importing vLLM once more.
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    # vLLM binds threads of worker processes only; here the system places them.
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    # OpenMP's threads spin for 200 ms after each step by default, on the cores that the HTTP server needs.
    "KMP_BLOCKTIME": "1",
    # Its processes talk to each other by this address, which is the machine's outward one by default.
    "VLLM_HOST_IP": "127.0.0.1",
}


# Eager execution compiles nothing but one helper of the log probabilities, which then takes 12 s at its first use.
EAGER = {"TORCHDYNAMO_DISABLE": "1"}


def installed() -> bool:
    """Whether the torch environment holds vLLM."""
    return any(environments.FOLDERS["torch"].glob("lib/python3*/site-packages/vllm/__init__.py"))


def cpu_build() -> bool:
    """Whether the vLLM that is installed is the CPU build, which leaves a GPU alone."""
    return any(environments.FOLDERS["torch"].glob("lib/python3*/site-packages/vllm_cpu-*.dist-info"))


def cpu_flags() -> frozenset[str]:
    """The processor's feature flags; empty where the system does not tell (macOS)."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return frozenset()
    return frozenset(next((line.split(":")[1].split() for line in text.splitlines() if line.startswith("flags")), []))


def command(folder: Path, name: str, precision: str, s: ServingSettings) -> tuple[list[str], dict[str, str]]:
    """(arguments, additions to the environment). `folder`: a Hugging Face checkpoint; `precision`: vLLM's --dtype."""
    if not (folder / "config.json").exists():
        raise BadInput(
            f"{folder} holds no config.json, which vLLM needs",
            "MODEL=folder of a Hugging Face checkpoint, or ENGINE=llamacpp",
        )
    if not any(folder.glob("*.safetensors")):
        raise BadInput(
            f"{folder} holds no *.safetensors: other weights are pickles, which can run code", "convert the model"
        )
    on_cpu = not environments.has_gpu() or cpu_build()
    if on_cpu and four_bit(folder) and "avx512f" not in cpu_flags():
        raise BadInput(
            f"{folder.name} has 4-bit weights, and vLLM's CPU kernel for them needs AVX-512, which this processor has not",
            "MODEL= the same model as a GGUF file with ENGINE=llamacpp, or unquantized",
        )
    arguments = [
        str(environments.python_of("torch")), "-m", "vllm.entrypoints.openai.api_server",
        "--model", str(folder), "--served-model-name", name, "--dtype", precision,
        "--load-format", "safetensors", "--host", "127.0.0.1", "--port", str(s.port),
        "--allowed-origins", "[]",  # no web page may read answers; the default lets all
        "--middleware", "serving.door.Door",
        "--max-num-seqs", str(s.max_num_seqs), "--max-num-queued-reqs", str(s.max_num_requests),
        "--shutdown-timeout", str(s.drain_seconds),
        "--enable-prompt-tokens-details",  # an answer says how many prompt tokens came out of the prefix cache
    ]  # fmt: skip
    if s.task == "embed":
        arguments += ["--runner", "pooling", "--pooler-config", '{"pooling_type": "MEAN"}']
    else:
        arguments += ["--max-model-len", str(s.max_model_len)]
        # strict: the arguments of a tool call keep the tool's schema; without it the model writes what it likes
        arguments += ["--enable-auto-tool-choice", "--tool-call-parser", "hermes", "--tool-strict-level", "parameter"]
    if s.lora:
        modules = adapters(s.lora)
        arguments += ["--enable-lora", "--lora-modules", *(f"{n}={path}" for n, path in modules.items())]
        arguments += ["--max-lora-rank", str(max(rank(path) for path in modules.values()))]
    if s.traces:
        arguments += ["--otlp-traces-endpoint", s.traces]
    if not on_cpu:
        return arguments, {"VLLM_HOST_IP": CPU["VLLM_HOST_IP"]}
    # a prefix is shared up to its last whole block, and the default of 128 computes up to 127 tokens of it again
    arguments += ["--distributed-executor-backend", "uni", "--block-size", "32"]
    here = {"VLLM_CPU_KVCACHE_SPACE": str(s.kv_cache_gib), "OMP_NUM_THREADS": str(s.threads or cores())}
    if s.compile:
        return arguments, CPU | here | preload()
    return [*arguments, "--enforce-eager"], CPU | EAGER | here | preload()


def four_bit(folder: Path) -> bool:
    """Whether a checkpoint's weights are 4-bit integers (compressed-tensors W4A16, GPTQ, AWQ)."""
    quantization = json.loads((folder / "config.json").read_text()).get("quantization_config") or {}
    groups = quantization.get("config_groups", {}).values()
    bits = [quantization.get("bits"), *((g.get("weights") or {}).get("num_bits") for g in groups)]
    return 4 in bits


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def preload() -> dict[str, str]:
    """Intel's OpenMP, which vLLM's CPU build brings on x86, in place of GNU's; nothing where it is not there."""
    library = environments.FOLDERS["torch"] / "lib" / "libiomp5.so"
    return {"LD_PRELOAD": str(library)} if library.exists() else {}


def adapters(text: str) -> dict[str, Path]:
    """`name=folder,name=folder` -> {name: folder}. BadInput where one is not a LoRA adapter."""
    found = {}
    for part in text.split(","):
        name, _, folder = part.strip().partition("=")
        path = Path(folder).expanduser().resolve()
        if not name or not folder or not (path / "adapter_config.json").exists():
            raise BadInput(
                f"LORA: {part.strip()!r} is not name=folder of a LoRA adapter (a folder with adapter_config.json)",
                "LORA=legal=path/to/adapter",
            )
        found[name] = path
    return found


def rank(adapter: Path) -> int:
    """The rank of an adapter, rounded up to one that vLLM allocates."""
    r = int(json.loads((adapter / "adapter_config.json").read_text()).get("r", 8))
    return next((size for size in (8, 16, 32, 64, 128, 256) if size >= r), 256)
