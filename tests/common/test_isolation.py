import socket
import subprocess
import sys

import pytest

from common import isolation

PROBE = """
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
try:
    socket.create_connection(("192.0.2.1", 9), timeout=3)
    sys.exit("the network is on")
except OSError:
    pass
"""


def test_a_command_has_loopback_and_nothing_else() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "common.isolation", "--", sys.executable, "-c", PROBE], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("network off:")


def test_the_command_s_exit_code_comes_through() -> None:
    done = subprocess.run([sys.executable, "-m", "common.isolation", "--", sys.executable, "-c", "raise SystemExit(7)"])
    assert done.returncode == 7


def test_no_command_is_a_clear_error() -> None:
    done = subprocess.run([sys.executable, "-m", "common.isolation"], capture_output=True, text=True)
    assert done.returncode == 2 and "usage" in done.stderr


def test_the_guard_refuses_addresses_and_look_ups_outside() -> None:
    with pytest.raises(isolation.NetworkForbidden), socket.socket() as s:
        s.connect(("192.0.2.1", 80))
    with pytest.raises(isolation.NetworkForbidden):
        socket.getaddrinfo("example.org", 80)


def test_the_guard_lets_loopback_pass() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


@pytest.mark.parametrize(
    ("address", "passes"),
    [
        (("127.0.0.1", 1), True),
        (("::1", 1, 0, 0), True),
        (("10.0.0.1", 1), False),
        (("example.org", 1), False),
        ("/tmp/x", True),
    ],
)
def test_allowed(address: object, passes: bool) -> None:
    assert isolation.allowed(address) is passes
