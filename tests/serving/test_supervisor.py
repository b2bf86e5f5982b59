"""An engine that falls is started again, not for ever; nothing survives its end."""

import os
import signal
import time
from collections.abc import Callable

import psutil

from serving import server, supervisor
from tests.conftest import run_cli


def until(what: Callable[[], object], seconds: float = 30) -> None:
    """Wait for a state, with a limit."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def test_a_killed_engine_is_started_again_by_itself(echo) -> None:
    state, _ = server.up(echo)
    until(lambda: server.status(echo).get("state") == "up")
    first = server.status(echo)["engine_pid"]
    os.kill(first, signal.SIGKILL)
    until(lambda: server.status(echo)["up"] and server.status(echo)["engine_pid"] != first)
    after = server.status(echo)
    assert after["restarts"] == 1 and after["pid"] == state["pid"]
    shown = run_cli("serving", "status", env={"SERVING_PORT": str(echo.port)})
    assert "started again 1 times" in shown.stderr


def test_an_engine_that_ends_with_code_0_counts_as_fallen(echo) -> None:
    """vLLM's server does, when its engine dies."""
    server.up(echo)
    until(lambda: server.status(echo).get("state") == "up")
    first = server.status(echo)["engine_pid"]
    os.kill(first, signal.SIGTERM)  # the echo engine ends in good order, unasked
    until(lambda: server.status(echo)["up"] and server.status(echo)["restarts"] == 1)


def test_restarts_are_bounded(echo) -> None:
    s = echo.model_copy(update={"max_restarts": 1})
    server.up(s)
    for turn in range(2):
        until(lambda turn=turn: server.status(s).get("state") == "up" and server.status(s)["restarts"] == turn)
        os.kill(server.status(s)["engine_pid"], signal.SIGKILL)
    until(lambda: server.process(s) is None)
    told = (server.home(s) / "engine.json").read_text()
    assert "given up" in told and "it fell 2 times" in told
    shown = run_cli("serving", "status", env={"SERVING_PORT": str(s.port)})
    assert "was given up, it fell 2 times" in shown.stderr
    assert not server.port_taken(s.port)


def test_a_killed_supervisor_takes_its_engine_along(echo) -> None:
    state, _ = server.up(echo)
    engine = psutil.Process(server.status(echo)["engine_pid"])
    os.kill(state["pid"], signal.SIGKILL)
    until(lambda: not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE)
    assert not server.status(echo)["up"]
    server.down(echo)
    assert not supervisor.session_members(state["pid"]) and not server.port_taken(echo.port)


def test_down_ends_what_a_killed_supervisor_left_stopped(echo) -> None:
    """A stopped process does not see the kernel's SIGTERM until it is continued: `down` has to find and kill it."""
    state, _ = server.up(echo)
    engine = psutil.Process(server.status(echo)["engine_pid"])
    engine.suspend()
    os.kill(state["pid"], signal.SIGKILL)
    os.waitpid(state["pid"], 0)
    assert engine.is_running()
    assert server.down(echo)
    until(lambda: not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE)
