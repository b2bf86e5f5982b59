"""Choose an engine and say why; build the command that runs it. Nothing is started here (see `serving.server`).

vllm      real vLLM, GPU or CPU build, in .venv-torch
llamacpp  llama.cpp through xllamacpp, in .venv: the fallback that runs wherever the light environment does
remote    an endpoint of yours (LLM_URL), which is asked and never started or stopped
echo      a fake for tests, which says that it is one
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from common import environments, models
from common.errors import BadInput, NotReady
from serving import memory, vllm
from serving.config import ServingSettings

PACKAGED = {"vllm": "smollm2", "embed": "minilm-torch", "llamacpp": "smollm2-gguf"}
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


def choose(s: ServingSettings) -> Choice:
    """The engine for these settings on this machine. NotReady where the one asked for is not installed."""
    flags, threads = vllm.cpu_flags(), s.threads or vllm.cores()
    if s.engine == "echo":
        return Choice("echo", "echo", "none", 1, "ENGINE=echo: a fake that repeats the question, for tests")
    if s.engine == "remote":
        return Choice("remote", s.model or "as listed", "as served", 0, "ENGINE=remote: the endpoint in LLM_URL")
    if s.engine == "vllm" and not vllm.installed():
        raise NotReady("ENGINE=vllm, and vLLM is not installed", "make setup-torch   (or ENGINE=llamacpp)")
    if s.engine == "llamacpp" or not vllm.installed():
        why = "ENGINE=llamacpp" if s.engine == "llamacpp" else "vLLM is not installed; make setup-torch brings it"
        model = s.model or PACKAGED["llamacpp"]
        return Choice("llamacpp", model, "4-bit weights" if not s.model else "as in the file", threads, why)
    model = s.model or PACKAGED["embed" if s.task == "embed" else "vllm"]
    if environments.has_gpu() and not vllm.cpu_build():
        return Choice("vllm", model, "auto", threads, "vLLM, on the GPU that nvidia-smi lists")
    bfloat16 = "amx_bf16" in flags or "avx512_bf16" in flags
    why = (
        "no GPU found; the processor has bfloat16 arithmetic"
        if bfloat16
        else "no GPU found; no bfloat16 arithmetic in this processor, so float32"
    )
    return Choice("vllm", model, "bfloat16" if bfloat16 else "float32", threads, why)


def command(choice: Choice, s: ServingSettings) -> tuple[list[str], dict[str, str]]:
    """(arguments, environment) of the engine's process; it listens on 127.0.0.1.

    Raises NotReady where the model is missing, BadInput where it has the wrong form, Refused where memory is short.
    """
    here: Mapping[str, str] = os.environ
    environment = {k: v for k, v in here.items() if k not in HIDDEN_FROM_ENGINES} | s.environment()
    if choice.engine == "echo":
        return [sys.executable, "-m", "serving.echo", "--port", str(s.port)], environment
    folder, name = models.path(choice.model), Path(choice.model).name
    if choice.engine == "vllm":
        arguments, additions = vllm.command(folder, name, choice.precision, s)
        if choice.precision != "auto":  # on a GPU vLLM measures for itself
            memory.check("vllm", folder, choice.precision, s)
        return arguments, environment | additions
    for setting, given in (("TASK=embed", s.task == "embed"), ("LORA", bool(s.lora))):
        if given:
            raise BadInput(f"{setting} needs vLLM, and the engine is llama.cpp", "ENGINE=vllm   (make setup-torch)")
    file = folder if folder.is_file() else next(iter(sorted(folder.glob("*.gguf"))), None)
    if file is None:
        raise BadInput(
            f"{folder} holds no GGUF file, which llama.cpp needs", "MODEL=path/to/model.gguf, or ENGINE=vllm"
        )
    memory.check("llamacpp", file, choice.precision, s)
    sizes = {"slots": min(s.max_num_seqs, 4), "context": s.max_model_len, "threads": choice.threads, "port": s.port}
    flags = [part for k, v in sizes.items() for part in (f"--{k}", str(v))]
    return [sys.executable, "-m", "serving.llamacpp", str(file), "--name", name, *flags], environment
