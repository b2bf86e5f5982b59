import socket
import subprocess
import sys

import pytest

from common import isolation

PROBE = """
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
if sys.argv[1] == "namespace":
    names = [line.split(":")[0].strip() for line in open("/proc/net/dev").readlines()[2:]]
    sys.exit(0 if names == ["lo"] else f"interfaces: {names}")
"""


def test_a_command_has_loopback_and_nothing_else() -> None:
    kind = "namespace" if isolation.namespaces() else "guard"
    command = [sys.executable, "-m", "common.isolation", "--", sys.executable, "-c", PROBE, kind]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("network off:")


def test_where_namespaces_are_refused_every_python_gets_the_guard(monkeypatch, tmp_path) -> None:
    script = "import sys; sys.argv = ['x']; from common import isolation; isolation.namespaces = lambda: False; isolation.main([sys.executable, '-c', 'import socket; socket.create_connection((\"192.0.2.1\", 9), 2)'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1 and "NetworkForbidden" in done.stderr and "in Python only" in done.stderr


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
