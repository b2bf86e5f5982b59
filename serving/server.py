"""Start, watch and stop one engine. Its state is a file, so that any process of the kit finds it again.

`up` starts a supervisor (`serving.supervisor`), which starts the engine, and returns when the engine answers /health;
`down` drains it and ends everything of its session, also where the supervisor was killed before. A state file that a
killed supervisor left is recognised as stale, because it names the process's start time as well as its number.
"""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from common import console, environments, files
from common.errors import EngineFailed, NotReady
from common.settings import settings as shared
from serving import engine, startup, supervisor
from serving.config import ServingSettings


def home(s: ServingSettings) -> Path:
    """Folder of the state and the log of the engine on this port."""
    return shared().folder(f"serving/{s.port}")


def url_of(s: ServingSettings) -> str:
    """Where the engine listens."""
    return f"http://127.0.0.1:{s.port}"


def recorded(s: ServingSettings) -> dict[str, Any]:
    """The state file of this port; empty where there is none."""
    file = home(s) / "state.json"
    return dict(files.read_json(file, f"delete {file}")) if file.exists() else {}


def process(s: ServingSettings) -> Any | None:
    """The running supervisor, or None."""
    import psutil

    state = recorded(s)
    with suppress(psutil.NoSuchProcess, KeyError):
        found = psutil.Process(state["pid"])
        alive = found.is_running() and found.status() != psutil.STATUS_ZOMBIE
        return found if alive and abs(found.create_time() - state["started"]) < 2 else None
    return None


def healthy(s: ServingSettings) -> bool:
    """Whether the engine answers /health with 200."""
    return supervisor.fetch(s.port, "/health") is not None


def status(s: ServingSettings) -> dict[str, Any]:
    """What is running on this port: state, choice, pid, and what the supervisor says of the engine."""
    if s.engine == "remote":
        url, model = remote()
        return {"up": True, "url": url, **engine.choose(s).as_dict(), "model": model, "pid": 0, "owner": 0}
    running = process(s)
    told = home(s) / "engine.json"
    heard = files.read_json(told, "python -m serving down") if told.exists() else {}
    state = recorded(s) | heard if running else {k: v for k, v in heard.items() if heard["state"] == "given up"}
    return {"up": bool(running) and healthy(s), "url": f"{url_of(s)}/v1", "log": str(home(s) / "engine.log")} | state


def remote() -> tuple[str, str]:
    """(URL, first model) of the endpoint in LLM_URL. NotReady where nobody answers there."""
    from common.llm import LLM

    llm = LLM()
    return llm.url, llm.model


def up(s: ServingSettings, owner: int = 0) -> tuple[dict[str, Any], bool]:
    """Start the engine unless it runs; wait until it answers. Returns (status, whether the caller should end it).

    owner: process that wants to end the engine when it is done; 0 leaves it up. An engine whose owner was killed is taken
    over by the next owner, so that it does not stay up for ever.

    Raises NotReady where the port is taken by something else, EngineFailed where the engine ends or does not answer.
    """
    import psutil

    if s.engine == "remote":
        state = status(s)
        console.say(f"remote: {state['model']} at {state['url']}")
        return state, False
    with FileLock(home(s) / "up.lock"):
        if process(s):
            state = status(s)
            if other := difference(s, state):
                raise NotReady(f"{state['engine']} is up, and {other} asks for another", "python -m serving down")
            wait(s)
            if other_key(s):
                raise NotReady(
                    f"{state['engine']} is up under another LLM_API_KEY, or under none", "python -m serving down"
                )
            orphan = bool(owner) and bool(state["owner"]) and not psutil.pid_exists(state["owner"])
            console.say(
                f"already up: {state['engine']}, {state['precision']}{'; its owner is gone, so we end it' if orphan else ''}"
            )
            if orphan or not owner:  # who starts it by hand wants it to stay
                files.write_json(home(s) / "state.json", recorded(s) | {"owner": owner})
            return status(s), orphan
        if recorded(s):
            end(s)  # what a killed supervisor may have left
        if healthy(s) or port_taken(s.port):
            raise NotReady(
                f"port {s.port} is taken by a process that is not ours", "SERVING_PORT=8712, and LLM_URL to match"
            )
        choice = engine.choose(s)
        console.say(str(choice))
        arguments, environment = engine.command(choice, s)
        (home(s) / "engine.log").write_bytes(b"")
        for old in ("engine.json", "metrics.jsonl"):
            (home(s) / old).unlink(missing_ok=True)
        watched = [sys.executable, "-m", "serving.supervisor", str(home(s)), "--", *arguments]
        with (home(s) / "supervisor.log").open("wb") as log:
            child = subprocess.Popen(
                watched,
                env=environment,
                cwd=environments.ROOT,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            state = {"pid": child.pid, "started": psutil.Process(child.pid).create_time(), "owner": owner}
            asked = {"task": s.task, "lora": s.lora}
            files.write_json(home(s) / "state.json", state | choice.as_dict() | asked)
            wait(s)
        except BaseException:
            child.terminate()
            end(s)
            raise
    return status(s), True


def wait(s: ServingSettings) -> None:
    """Wait for readiness with a line that says what for; EngineFailed with the log's last words where it ends or takes
    too long."""
    began = time.monotonic()
    with console.console().status("waiting for the engine") as line:
        while not healthy(s):
            if not process(s):
                raise EngineFailed(
                    f"the engine ended while starting: {last_words(s)}",
                    f"read {home(s) / 'engine.log'}; ENGINE=llamacpp is the fallback",
                )
            seconds = time.monotonic() - began
            if seconds > s.start_timeout:
                raise EngineFailed(
                    f"the engine did not answer in {s.start_timeout} s: {last_words(s)}",
                    "START_TIMEOUT=800, or ENGINE=llamacpp",
                )
            line.update(f"{startup.phase(log_of(s))} ({seconds:.0f} s)")
            time.sleep(0.25)


def log_of(s: ServingSettings) -> str:
    """The engine's log."""
    with suppress(OSError):
        return (home(s) / "engine.log").read_text(errors="replace")
    return ""


def last_words(s: ServingSettings) -> str:
    """The end of the engine's log, or the supervisor's where the engine never spoke."""
    with suppress(OSError):
        return (log_of(s).strip() or (home(s) / "supervisor.log").read_text(errors="replace").strip())[-600:]
    return "no log"


def port_taken(port: int) -> bool:
    """Whether something listens on the port already."""
    import socket

    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def difference(s: ServingSettings, state: dict[str, Any]) -> str:
    """What these settings ask for that is not what runs; empty where they agree."""
    if s.engine not in ("auto", state["engine"]):
        return f"ENGINE={s.engine}"
    if s.model not in ("", state["model"]):
        return f"MODEL={s.model}"
    wanted = {"TASK": (s.task, state.get("task", s.task)), "LORA": (s.lora, state.get("lora", s.lora))}
    return next((f"{name}={ours}" for name, (ours, theirs) in wanted.items() if ours != theirs), "")


def other_key(s: ServingSettings) -> bool:
    """Whether the running engine refuses the key of these settings, or lets somebody in without it."""
    key = shared().llm_key.get_secret_value()
    refused = supervisor.get(s.port, "/v1/models", key)[0] == 401
    return refused or (shared().has_key and supervisor.get(s.port, "/v1/models", "none")[0] == 200)


def down(s: ServingSettings, owner: int = 0) -> bool:
    """Drain the engine, end it and everything of its session; returns whether there was one.

    owner: process that ends what it started; nothing happens where somebody has taken the engine over since.
    """
    if s.engine == "remote":
        return False  # not ours
    with FileLock(home(s) / "up.lock"):
        if owner and recorded(s).get("owner") != owner:
            return False
        return end(s)


def end(s: ServingSettings) -> bool:
    """`down`, for who holds the lock."""
    import psutil

    state, running = recorded(s), process(s)
    if running:
        with suppress(psutil.NoSuchProcess):
            running.terminate()
        psutil.wait_procs([running], timeout=s.drain_seconds + 15)
    left = orphans(state)
    if left:
        supervisor.end_session(state["pid"])
    (home(s) / "state.json").unlink(missing_ok=True)
    with suppress(ChildProcessError, KeyError):
        os.waitpid(state["pid"], os.WNOHANG)
    return bool(running or left)


def orphans(state: dict[str, Any]) -> list[Any]:
    """What is left of a supervisor's session. Its number may have been given to another session since: only processes
    that began after the supervisor, with no living leader of another age, count."""
    import psutil

    if not state:
        return []
    with suppress(psutil.NoSuchProcess):
        if abs(psutil.Process(state["pid"]).create_time() - state["started"]) >= 2:
            return []
    return [p for p in supervisor.session_members(state["pid"]) if p.create_time() >= state["started"] - 2]
