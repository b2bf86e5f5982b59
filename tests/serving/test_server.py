"""Start, find, stop: on the echo engine, which runs on the same path as the real ones."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

import psutil
import pytest

from common.errors import NotReady
from serving import server
from serving.config import ServingSettings
from tests.conftest import forget, free_port, run_cli


@pytest.fixture
def echo(home):
    s = ServingSettings(ENGINE="echo", SERVING_PORT=free_port())
    yield s
    server.down(s)


def test_up_is_idempotent_and_down_leaves_nothing(echo) -> None:
    state, started = server.up(echo)
    assert started and state["up"] and state["engine"] == "echo"
    again, started = server.up(echo)
    assert not started and again["pid"] == state["pid"]
    assert server.down(echo) and not server.down(echo)
    assert not psutil.pid_exists(state["pid"]) and not server.port_taken(echo.port)


def test_a_killed_engine_is_recognised_and_started_again(echo) -> None:
    state, _ = server.up(echo)
    os.kill(state["pid"], signal.SIGKILL)
    psutil.Process(state["pid"]).wait(5) if psutil.pid_exists(state["pid"]) else None
    assert not server.status(echo)["up"]
    fresh, started = server.up(echo)
    assert started and fresh["pid"] != state["pid"]


def test_an_engine_whose_owner_was_killed_is_taken_over(echo) -> None:
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    _, ends_it = server.up(echo, owner=owner.pid)
    assert ends_it
    _, ends_it = server.up(echo, owner=os.getpid())
    assert not ends_it  # its owner lives
    owner.kill(), owner.wait()
    _, ends_it = server.up(echo, owner=os.getpid())
    assert ends_it


def test_another_model_is_not_what_is_already_up(echo) -> None:
    server.up(echo)
    for other in ({"model": "elsewhere"}, {"task": "embed"}, {"lora": "a=b"}, {"engine": "llamacpp"}):
        with pytest.raises(NotReady, match="asks for another"):
            server.up(echo.model_copy(update=other))


def test_a_key_that_the_running_engine_does_not_ask_for_is_told(echo, monkeypatch) -> None:
    """It used to say "already up", and the door stayed open."""
    server.up(echo)
    monkeypatch.setenv("LLM_API_KEY", "new")
    forget()
    with pytest.raises(NotReady, match="another LLM_API_KEY"):
        server.up(echo)
    server.down(echo)
    server.up(echo)
    assert server.up(echo)[0]["up"]
    monkeypatch.delenv("LLM_API_KEY")
    forget()
    with pytest.raises(NotReady, match="another LLM_API_KEY"):
        server.up(echo)


def test_who_started_it_does_not_end_it_once_somebody_else_asked_for_it(echo) -> None:
    _, ends_it = server.up(echo, owner=os.getpid())
    assert ends_it
    server.up(echo)  # by hand: it is to stay
    assert not server.down(echo, owner=os.getpid()) and server.status(echo)["up"]
    assert server.down(echo)


def test_a_state_file_of_a_stranger_s_process_is_stale(echo) -> None:
    state, _ = server.up(echo)
    server.down(echo)
    file = server.home(echo) / "state.json"
    file.write_text(
        json.dumps(
            {"pid": os.getpid(), "started": time.time() - 10**6, **{k: state[k] for k in ("engine", "model", "owner")}}
        )
    )
    assert server.process(echo) is None
    assert not server.down(echo)  # and this test process is still alive to say so


def test_a_taken_port_is_a_clear_error(home, echo_url) -> None:
    port = echo_url.split(":")[2].split("/")[0]
    done = run_cli("serving", "up", env={"ENGINE": "echo", "SERVING_PORT": port})
    assert done.returncode == 2 and "is taken by a process that is not ours" in done.stderr


def test_an_engine_that_ends_while_starting_is_reported_with_its_last_words(home) -> None:
    (home / "bad.gguf").write_text("not a model")
    env = {
        "ENGINE": "llamacpp",
        "MODEL": str(home / "bad.gguf"),
        "SERVING_PORT": str(free_port()),
        "START_TIMEOUT": "60",
    }
    done = run_cli("serving", "up", env=env)
    assert done.returncode == 2 and "the engine ended while starting" in done.stderr and "mend:" in done.stderr


def test_run_ends_what_it_started_and_passes_the_exit_code_on(home) -> None:
    port = free_port()
    env = {"ENGINE": "echo", "SERVING_PORT": str(port)}
    code = f"import urllib.request as u, sys; sys.exit(5 if u.urlopen('http://127.0.0.1:{port}/health').status == 200 else 6)"
    done = run_cli("serving", "run", "--", sys.executable, "-c", code, env=env)
    assert done.returncode == 5, done.stderr
    assert not server.port_taken(port)


def test_the_echo_engine_answers_bad_requests(echo_url) -> None:
    request = urllib.request.Request(
        f"{echo_url}/chat/completions", data=b"{", headers={"Content-Type": "application/json"}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 400
