"""Start, watch and stop one engine. Its state is a file, so that any process of the kit finds it again.

`up` returns when the engine answers /health; `down` ends it with all its children. An engine that was killed leaves
a state file that is recognised as stale, because it names the process's start time as well as its number.
"""

import os
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from common import console, environments, files
from common.errors import EngineFailed, NotReady
from common.settings import settings as shared
from serving import engine
from serving.config import ServingSettings


def home(s: ServingSettings) -> Path:
    """Folder of the state and the log of the engine on this port."""
    return shared().folder(f"serving/{s.port}")


def url(s: ServingSettings) -> str:
    """Where the engine listens."""
    return f"http://127.0.0.1:{s.port}"


def process(s: ServingSettings) -> Any | None:
    """The running engine process, or None."""
    import psutil

    state = home(s) / "state.json"
    if not state.exists():
        return None
    recorded = files.read_json(state, f"delete {state}")
    try:
        found = psutil.Process(recorded["pid"])
        alive = found.is_running() and found.status() != psutil.STATUS_ZOMBIE
        return found if alive and abs(found.create_time() - recorded["started"]) < 2 else None
    except psutil.NoSuchProcess:
        return None


def healthy(s: ServingSettings) -> bool:
    """Whether the engine answers /health with 200."""
    try:
        with urllib.request.urlopen(f"{url(s)}/health", timeout=5) as response:  # noqa: S310  (a loopback address)
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def status(s: ServingSettings) -> dict[str, Any]:
    """What is running on this port: state, choice, pid."""
    running = process(s)
    state = files.read_json(home(s) / "state.json", "python -m serving down") if running else {}
    return {"up": bool(running) and healthy(s), "url": f"{url(s)}/v1", "log": str(home(s) / "engine.log")} | state


def up(s: ServingSettings, owner: int = 0) -> tuple[dict[str, Any], bool]:
    """Start the engine unless it runs; wait until it answers. Returns (status, whether the caller should end it).

    owner: process that wants to end the engine when it is done; 0 leaves it up. An engine whose owner was killed is taken
    over by the next owner, so that it does not stay up for ever.

    Raises NotReady where the port is taken by something else, EngineFailed where the engine ends or does not answer.
    """
    import psutil

    with FileLock(home(s) / "up.lock"):
        if process(s):
            state = status(s)
            if s.engine not in ("auto", state["engine"]):
                raise NotReady(
                    f"{state['engine']} is up, and ENGINE={s.engine} asks for another", "python -m serving down"
                )
            wait(s)
            orphan = bool(owner) and bool(state["owner"]) and not psutil.pid_exists(state["owner"])
            console.say(
                f"already up: {state['engine']}, {state['precision']}{'; its owner is gone, so we end it' if orphan else ''}"
            )
            if orphan:
                files.write_json(home(s) / "state.json", files.read_json(home(s) / "state.json", "") | {"owner": owner})
            return status(s), orphan
        if healthy(s) or port_taken(s.port):
            raise NotReady(
                f"port {s.port} is taken by a process that is not ours", "SERVING_PORT=8712, and LLM_URL to match"
            )
        choice = engine.choose(s)
        console.say(str(choice))
        arguments, environment = engine.command(choice, s)
        with (home(s) / "engine.log").open("wb") as log:
            child = subprocess.Popen(
                arguments,
                env=environment,
                cwd=environments.ROOT,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        started = psutil.Process(child.pid).create_time()
        files.write_json(
            home(s) / "state.json", {"pid": child.pid, "started": started, "owner": owner, **choice.as_dict()}
        )
        try:
            wait(s)
        except BaseException:
            down(s)
            raise
    return status(s), True


def wait(s: ServingSettings) -> None:
    """Wait for readiness with a line that moves; EngineFailed with the log's last words where it ends or takes too long."""
    began = time.monotonic()
    with console.console().status("waiting for the engine"):
        while not healthy(s):
            if not process(s):
                raise EngineFailed(
                    f"the engine ended while starting: {last_words(s)}",
                    f"read {home(s) / 'engine.log'}; ENGINE=llamacpp is the fallback",
                )
            if time.monotonic() - began > s.start_timeout:
                raise EngineFailed(
                    f"the engine did not answer in {s.start_timeout} s: {last_words(s)}",
                    "START_TIMEOUT=800, or ENGINE=llamacpp",
                )
            time.sleep(0.25)


def last_words(s: ServingSettings) -> str:
    """The end of the engine's log."""
    with suppress(OSError):
        return (home(s) / "engine.log").read_text(errors="replace").strip()[-600:]
    return "no log"


def port_taken(port: int) -> bool:
    """Whether something listens on the port already."""
    import socket

    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def down(s: ServingSettings) -> bool:
    """End the engine and everything it started; returns whether there was one."""
    import psutil

    running = process(s)
    (home(s) / "state.json").unlink(missing_ok=True)
    if not running:
        return False
    family = [running, *running.children(recursive=True)]
    with suppress(psutil.NoSuchProcess):
        running.terminate()
    _, alive = psutil.wait_procs(family, timeout=15)
    for survivor in alive:
        with suppress(psutil.NoSuchProcess):
            survivor.kill()
    psutil.wait_procs(alive, timeout=5)
    with suppress(ChildProcessError):
        os.waitpid(running.pid, os.WNOHANG)
    return True
