"""The engines that `make bench-serving` compares: ours as shipped, the same with one setting changed, and what a user would pick instead."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common import environments, models
from common.errors import EngineFailed
from common.settings import settings as shared
from serving import engine, supervisor
from serving.config import ServingSettings
from serving.load import TOKENS
from serving.scale import free_ports

EXACT = {"max_tokens": TOKENS, "ignore_eos": True, "stream_options": {"include_usage": True}}


@dataclass(frozen=True)
class Peer:
    """A server to start: its name in the tables, its command and environment, what a request to it must say."""

    name: str
    port: int
    command: list[str]
    environment: Mapping[str, str]
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/v1"


def port() -> int:
    """A free loopback port."""
    return free_ports(1)[0]


def ours(
    kind: str, name: str = "", drop: tuple[str, ...] = (), slots: int = 0, environment: Mapping[str, str] | None = None
) -> Peer:
    """vLLM or llama.cpp with the shipped settings; `drop`: flags (with their values) and variables to leave out; `slots`:
    llama.cpp's, where not the shipped four."""
    s = ServingSettings(ENGINE=kind, SERVING_PORT=port())
    choice = engine.choose(s)
    command, env = engine.command(choice, s)
    for flag in drop:
        env.pop(flag, None)
        if flag in command:
            at = command.index(flag)
            valued = at + 1 < len(command) and not command[at + 1].startswith("--")
            command = command[:at] + command[at + 1 + valued :]
    if slots:
        command[command.index("--slots") + 1] = str(slots)
    served = Path(choice.model).name
    return Peer(name or f"{kind}, shipped", s.port, command, env | dict(environment or {}), {"model": served, **EXACT})


def vllm_defaults() -> Peer:
    """vLLM as its quick start runs it: bfloat16, compiled, its own processes and threads. Only the cache's size is said:
    left to itself, it wants 92 % of the machine's memory and does not start here."""
    where, folder = port(), models.path("smollm2")
    command = [
        str(environments.python_of("torch")), "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder),
        "--served-model-name", "m", "--dtype", "bfloat16", "--host", "127.0.0.1", "--port", str(where),
    ]  # fmt: skip
    cache = {"VLLM_CPU_KVCACHE_SPACE": "1"}
    return Peer("vllm, its defaults", where, command, base() | fresh_caches() | cache, {"model": "m", **EXACT})


def transformers(batching: bool) -> Peer:
    """`transformers serve` in float32; with continuous batching where asked for (it is off by default)."""
    where, folder = port(), models.path("smollm2")
    program = environments.FOLDERS["torch"] / "bin" / "transformers"
    command = [str(program), "serve", str(folder), "--host", "127.0.0.1", "--port", str(where)]
    command += ["--dtype", "float32", "--device", "cpu", *(["--continuous-batching"] if batching else [])]
    exact = {"max_new_tokens": TOKENS, "min_new_tokens": TOKENS, "do_sample": False, "pad_token_id": 2}
    import json

    body = {"model": str(folder), "max_tokens": TOKENS, "generation_config": json.dumps(exact)}
    name = "transformers serve" + (", continuous batching" if batching else "")
    return Peer(name, where, command, base(), body)


def base() -> dict[str, str]:
    """This process's environment without what belongs to its own Python."""
    return {k: v for k, v in os.environ.items() if k not in engine.HIDDEN_FROM_ENGINES}


def fresh_caches() -> dict[str, str]:
    """Empty compile caches, so that a start is a first one."""
    folder = tempfile.mkdtemp(prefix="bench-", dir=shared().folder("serving"))
    return {"VLLM_CACHE_ROOT": folder, "TORCHINDUCTOR_CACHE_DIR": f"{folder}/inductor"}


@contextmanager
def running(peer: Peer, log: Path, limit: float = 600) -> Iterator[tuple[float, int]]:
    """Start a peer; yields (seconds until /health answered, its session); ends everything of it afterwards."""
    with log.open("wb") as stream:
        began = time.monotonic()
        child = subprocess.Popen(
            peer.command, env=peer.environment, cwd=environments.ROOT, stdout=stream, stderr=stream,
            stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=supervisor.die_with_parent,
        )  # fmt: skip
    try:
        while supervisor.fetch(peer.port, "/health") is None:
            if child.poll() is not None or time.monotonic() - began > limit:
                raise EngineFailed(
                    f"{peer.name} did not start: {log.read_text(errors='replace')[-300:]}", f"read {log}"
                )
            time.sleep(0.1)
        yield time.monotonic() - began, child.pid
    finally:
        supervisor.end_session(child.pid)
        child.wait(10)


def memory(session: int) -> float:
    """GiB that the processes of a session hold, shared pages counted once (PSS)."""
    import psutil

    held = 0
    for process in supervisor.session_members(session):
        try:
            held += process.memory_full_info().pss
        except psutil.Error:
            continue
    return held / (1 << 30)
