"""Take the network away from a command: `python -m common.isolation -- CMD...`. Standard library only.

On Linux the command runs in a network namespace of its own with only loopback up: no route, no look-up, for it and
everything it starts. Where that is not allowed (macOS, hardened containers), a guard inside Python refuses sockets
to any other address; it holds Python code only, and the line printed says which of the two it is.
"""

import ctypes
import fcntl
import ipaddress
import os
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

NAMESPACE = "network namespace, loopback only"
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


class NetworkForbidden(OSError):
    """A socket to an address outside the machine, while the guard stands."""


def enter_namespace() -> None:
    """Move this process into a network namespace with loopback up. OSError where the system refuses."""
    if sys.platform != "linux":
        raise OSError("network namespaces are Linux's")
    libc, user, group = ctypes.CDLL(None, use_errno=True), os.geteuid(), os.getegid()
    flags = CLONE_NEWNET if user == 0 else CLONE_NEWNET | CLONE_NEWUSER
    if libc.unshare(flags) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    if user != 0:  # keep our own name inside the new user namespace
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh", b"lo", 0)
        current = struct.unpack("16sh", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh", b"lo", current | IFF_UP))


def namespaces() -> bool:
    """Whether this system lets us have a namespace; tried in a child, because half an attempt cannot be undone."""
    if not hasattr(os, "fork"):
        return False
    child = os.fork()
    if child == 0:
        try:
            enter_namespace()
            os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def allowed(address: Any) -> bool:
    """Whether the guard lets a socket address pass: Unix sockets and loopback only."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0]).split("%")[0]
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("localhost", "")


def guard() -> None:
    """Refuse every connection and look-up in this process that leaves the machine."""

    def wrapped(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: socket.socket, *arguments: Any) -> Any:
            if not allowed(arguments[-1]):
                raise NetworkForbidden(f"{name} to {arguments[-1]} while the network is off")
            return real(self, *arguments)

        return call

    real_lookup = socket.getaddrinfo

    def lookup(host: Any, *arguments: Any, **options: Any) -> Any:
        if host is not None and not allowed((host.decode() if isinstance(host, bytes) else host,)):
            raise NetworkForbidden(f"look-up of {host} while the network is off")
        return real_lookup(host, *arguments, **options)

    def no_name(host: Any) -> Any:
        if not allowed((host,)):
            raise NetworkForbidden(f"look-up of {host} while the network is off")
        return real_by_name(host)

    real_by_name = socket.gethostbyname
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, wrapped(name, getattr(socket.socket, name)))
    socket.getaddrinfo = lookup
    socket.gethostbyname = no_name


def main(command: list[str]) -> None:
    """Replace this process by `command`, without a network."""
    if not command:
        sys.stderr.write("usage: python -m common.isolation -- COMMAND...\n")
        raise SystemExit(2)
    if namespaces():
        enter_namespace()
        how = NAMESPACE
    else:
        here = Path(__file__).resolve().parent
        paths = [str(here / "guard"), str(here.parent), os.environ.get("PYTHONPATH", "")]
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        how = "socket guard, in Python only: this system refuses network namespaces"
    sys.stderr.write(f"network off: {how}\n")
    sys.stderr.flush()
    os.execvp(command[0], command)  # noqa: S606  (a list, no shell: that is the point)


if __name__ == "__main__":
    main(sys.argv[2:] if sys.argv[1:2] == ["--"] else sys.argv[1:])
