"""Keep one engine running: `python -m serving.supervisor FOLDER -- COMMAND...` (started by `serving.server`).

An engine that ended after it had answered once is started again, at most MAX_RESTARTS times without a quiet hour in
between; the exit code does not matter, because vLLM's server ends with 0 when its engine dies. One that hangs (no answer from
/health for a minute) is killed and counts as ended. SIGTERM drains the engine and ends everything. The engine is told
by the kernel when this process dies, so nothing survives a `kill -9` of it.

FOLDER gets `engine.json` (what runs, how often it was started again) and `metrics.jsonl` (every 15 s, for the SLO page).
"""

import ctypes
import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from common import files
from common.settings import settings as shared
from serving.config import ServingSettings, settings

QUIET_SECONDS = 3600.0
HANGS_AFTER = 60.0
SAMPLE_SECONDS = 15.0
KEEP_SAMPLES = 5760  # a day


class Supervisor:
    """The loop around one engine command."""

    child: subprocess.Popen[bytes]

    def __init__(self, folder: Path, command: Sequence[str], s: ServingSettings):
        self.folder, self.command, self.s = folder, list(command), s
        self.restarts, self.stopping = 0, False

    def start(self) -> None:
        """Start the engine; its words are added to the log."""
        with (self.folder / "engine.log").open("ab") as log:
            self.child = subprocess.Popen(
                self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent
            )
        self.born = self.answered = time.monotonic()
        self.ready = False
        self.sampled = 0.0
        self.tell("starting")

    def tell(self, state: str, **more: Any) -> None:
        """What `python -m serving status` shows."""
        told = {"state": state, "engine_pid": self.child.pid, "restarts": self.restarts, **more}
        files.write_json(self.folder / "engine.json", told)

    def run(self) -> int:
        """Until SIGTERM (0), or until it is no use (1)."""
        self.start()
        signal.signal(signal.SIGTERM, self.stop)  # before this line, the kernel tells the engine
        while not self.stopping:
            with suppress(subprocess.TimeoutExpired):
                self.child.wait(0.5)
            if self.stopping:
                break
            self.watch()
            if self.child.poll() is not None and not self.again():
                return 1
        self.end()
        self.tell("down")
        return 0

    def watch(self) -> None:
        """Ask for health, sample the metrics, kill an engine that hangs."""
        now = time.monotonic()
        if self.ready and now - self.answered < 3:
            return
        if fetch(self.s.port, "/health") is not None:
            self.answered = time.monotonic()
            if not self.ready:
                self.ready = True
                self.tell("up", start_seconds=round(self.answered - self.born, 1))
            if now - self.sampled > SAMPLE_SECONDS:
                self.sampled = now
                self.sample()
        elif now - self.answered > (HANGS_AFTER if self.ready else self.s.start_timeout):
            end_session(keep={os.getpid()})

    def again(self) -> bool:
        """Start a fallen engine once more; False where it never answered or fell too often."""
        if time.monotonic() - self.born > QUIET_SECONDS:
            self.restarts = 0
        if self.stopping:
            return True
        code = self.child.returncode
        end_session(keep={os.getpid()})  # vLLM's worker may outlive its server by seconds, and holds memory
        if not self.ready or self.restarts >= self.s.max_restarts:
            why = "it never answered" if not self.ready else f"it fell {self.restarts + 1} times"
            self.tell("given up", why=why, exit_code=code)
            return False
        self.restarts += 1
        self.start()
        if self.stopping:  # SIGTERM came in between: the new one has not heard it
            self.child.terminate()
        return True

    def sample(self) -> None:
        """Keep what the SLO page needs of /metrics."""
        from serving import slo

        text = fetch(self.s.port, "/metrics") or ""
        file = self.folder / "metrics.jsonl"
        try:
            sample = slo.sample(text)
            if not sample:
                return
            with file.open("a") as stream:
                stream.write(json.dumps(sample) + "\n")
        except (OSError, ValueError) as error:  # watching must not end what it watches
            sys.stderr.write(f"no sample: {error}\n")
            return
        if file.stat().st_size > KEEP_SAMPLES * 2 * 600:
            files.write_text(file, "\n".join(file.read_text().splitlines()[-KEEP_SAMPLES:]) + "\n")

    def stop(self, *_: Any) -> None:
        """SIGTERM: pass it on; the engine lets running requests finish."""
        self.stopping = True
        if self.child.poll() is None:
            self.child.terminate()

    def end(self) -> None:
        """Wait for the drain, then leave nothing."""
        with suppress(subprocess.TimeoutExpired):
            self.child.wait(self.s.drain_seconds + 10)
        end_session(keep={os.getpid()})


def fetch(port: int, path: str) -> str | None:
    """The text of a GET that answered 200, else None."""
    code, text = get(port, path, shared().llm_key.get_secret_value())
    return text if code == 200 else None


def get(port: int, path: str, key: str) -> tuple[int, str]:
    """(status, text) of a GET under a key; status 0 where nothing of HTTP came back."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the key is for nobody's proxy
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {key}"})
    try:
        with direct.open(request, timeout=5) as answer:
            return int(answer.status), str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.code, ""
    except (OSError, http.client.HTTPException, ValueError):  # whatever it is, it is no healthy engine
        return 0, ""


def die_with_parent() -> None:
    """In the engine's process: SIGTERM when the supervisor dies (Linux; elsewhere `down` finds it by its session)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def session_members(session: int) -> list[Any]:
    """The processes of a session: a supervisor's number is that of the session that it leads."""
    import psutil

    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError, PermissionError):
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end_session(session: int = 0, keep: set[int] | None = None) -> None:
    """Kill what is left of a session (ours by default), except `keep`; returns when it is gone."""
    import psutil

    left = [p for p in session_members(session or os.getsid(0)) if p.pid not in (keep or set())]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=10)


if __name__ == "__main__":
    place, separator, *engine = sys.argv[1:]
    if separator != "--" or not engine:
        raise SystemExit("usage: python -m serving.supervisor FOLDER -- COMMAND...")
    raise SystemExit(Supervisor(Path(place), engine, settings()).run())
