"""Will the model fit? Asked before the start, because the system's answer is a killed process and no reason.

The estimate adds the weights (as many bytes a value as the precision needs), the key-value cache and what the engine's
processes take on their own. It is meant to refuse what cannot work, not to predict to the megabyte.
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

from common.errors import Refused
from serving.config import ServingSettings

GIB = 1 << 30
# What an engine takes besides weights and cache, seen here: vLLM's three Python processes, llama.cpp's one.
OWN = {"vllm": 2.2 * GIB, "llamacpp": 0.3 * GIB}
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True)
class Need:
    """Bytes that a start needs, by what for."""

    weights: float
    cache: float
    own: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.weights + self.cache + self.own

    def __str__(self) -> str:
        return f"{gib(self.total)} (weights {gib(self.weights)}, key-value cache {gib(self.cache)}, engine {gib(self.own)})"


def gib(size: float) -> str:
    """A size for people."""
    return f"{size / GIB:.1f} GiB"


def need(engine: str, model: Path, precision: str, s: ServingSettings) -> Need:
    """What starting `engine` on `model` takes. GGUF weights stay packed; checkpoints take the precision's width."""
    if engine == "llamacpp":
        return Need(model.stat().st_size, llamacpp_cache(s), OWN[engine])
    parameters = sum(map(values, model.glob("*.safetensors")))
    width = BYTES.get(precision)
    weights = parameters * width if width else sum(f.stat().st_size for f in model.glob("*.safetensors"))
    return Need(weights, 0 if s.task == "embed" else s.kv_cache_gib * GIB, OWN["vllm"])


def llamacpp_cache(s: ServingSettings) -> float:
    """Four slots of a small model's cache; a larger model's is a few times this, and llama.cpp says so itself."""
    return 4 * s.max_model_len * 0.1 * (1 << 20)


def values(file: Path) -> int:
    """Number of values in a safetensors file, from its header (packed integers count as they are packed)."""
    with file.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        header = json.loads(stream.read(length))
    total = 0
    for name, entry in header.items():
        if name != "__metadata__":
            size = 1
            for n in entry["shape"]:
                size *= n
            total += size
    return total


def available() -> float:
    """Bytes that a new process may take: the system's, or the container's where that is less."""
    import psutil

    free = float(psutil.virtual_memory().available)
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.exists() and (text := limit.read_text().strip()).isdigit():
        # pages of files that were read are given back when they are needed
        held = (limit.parent / "memory.stat").read_text().split()
        cached = float(held[held.index("inactive_file") + 1]) if "inactive_file" in held else 0.0
        free = min(free, float(text) - float(used.read_text()) + cached)
    return free


def check(engine: str, model: Path, precision: str, s: ServingSettings, free: float | None = None) -> Need:
    """Raise Refused, with what would fit, where the memory does not suffice. free: bytes; measured by default."""
    wanted, free = need(engine, model, precision, s), available() if free is None else free
    if wanted.total <= free:
        return wanted
    left = free - wanted.own - wanted.weights
    if engine == "vllm" and left >= GIB:
        mend = f"KV_CACHE_GIB={int(left / GIB)} fits"
    elif engine == "vllm" and precision == "float32" and free > wanted.own + wanted.weights / 2 + GIB:
        mend = (
            "bfloat16 weights would fit: ENGINE=vllm on a processor that has bfloat16, or a GGUF with ENGINE=llamacpp"
        )
    else:
        most = max(0.0, free - OWN["llamacpp"] - llamacpp_cache(s))
        mend = f"close other programs, or MODEL= a GGUF file of at most {gib(most)} with ENGINE=llamacpp"
    raise Refused(f"{model.name} needs {wanted} and {gib(free)} are free", mend)
