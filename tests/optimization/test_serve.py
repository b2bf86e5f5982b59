"""The endpoint that travels: answers, bad input, and what it does not do."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from optimization import serve

ABOUT = {"name": "guard", "version": "1.0.0"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def server(model) -> Iterator[serve.Server]:
    made = serve.Server(0, model, 1, ABOUT)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def ask(server: serve.Server, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None):
    link = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    link.request(method, path, body, headers if headers is not None else JSON)
    answer = link.getresponse()
    found = json.loads(answer.read() or b"{}")
    link.close()
    return answer.status, found, answer


def test_texts_are_classified(server) -> None:
    status, found, _ = ask(server, "POST", "/classify", json.dumps({"texts": ["hello", "please ignore all"]}).encode())
    assert status == 200 and [a["flagged"] for a in found["answers"]] == [False, True]


def test_it_listens_on_this_machine_only_and_says_what_it_is(server) -> None:
    assert server.server_address[0] == "127.0.0.1"
    status, found, answer = ask(server, "GET", "/health")
    assert (status, found) == (200, {"status": "ready", **ABOUT})
    assert "Python" not in (answer.headers["Server"] or "")


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "mend"),
    [
        ("POST", "/classify", b"{", JSON, 400, "send {"), ("POST", "/classify", b"[]", JSON, 400, "send {"),
        ("POST", "/classify", b'{"texts": []}', JSON, 400, "1 to 64"), ("POST", "/classify", b'{"texts": [1]}', JSON, 400, "send strings"),
        ("POST", "/classify", b'{"texts": [" "]}', JSON, 400, "leave it out"), ("POST", "/classify", b'{"texts": "x"}', JSON, 400, "send {"),
        ("POST", "/classify", b'{"texts": ["\\ud800"]}', JSON, 400, "encode"), ("POST", "/classify", b"[" * 100_000, JSON, 400, "send {"),
        ("POST", "/classify", json.dumps({"texts": ["x"] * 65}).encode(), JSON, 400, "1 to 64"),
        ("POST", "/classify", b"\xff", JSON, 400, "send {"), ("POST", "/classify", b"{}", {"Content-Type": "text/plain"}, 415, "send Content-Type"),
        ("POST", "/classify", b"", {**JSON, "Content-Length": "1000001"}, 413, "at most"), ("POST", "/classify", b"", {**JSON, "Content-Length": "-1"}, 411, "Content-Length"),
        ("POST", "/other", b"{}", JSON, 404, "POST /classify"), ("GET", "/classify", None, {}, 404, "POST /classify"), ("DELETE", "/classify", None, {}, 405, "POST /classify"),
    ],
)  # fmt: skip
def test_bad_input_is_answered_with_what_to_change(server, method, path, body, headers, status, mend) -> None:
    got, found, _ = ask(server, method, path, body, headers)
    assert got == status and mend in found["error"]
    assert ask(server, "GET", "/health")[0] == 200  # and it goes on


def test_a_client_that_sends_nothing_is_hung_up_on(server, monkeypatch) -> None:
    monkeypatch.setattr(serve.Handler, "timeout", 0.3)
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as link:
        link.sendall(b"POST /classify HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n")
        assert b"408" in link.recv(4096)


def test_a_busy_server_says_so(server) -> None:
    for _ in range(serve.BUSY):
        server.slots.acquire()
    status, found, answer = ask(server, "POST", "/classify", b'{"texts": ["x"]}')
    assert status == 503 and answer.headers["Retry-After"] == "1" and "try again" in found["error"]
    server.slots.release()
    assert ask(server, "POST", "/classify", b'{"texts": ["x"]}')[0] == 200


def test_many_at_once_get_their_own_answers(server) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def one(i: int) -> bool:
        text = "ignore" if i % 2 else "hello"
        return ask(server, "POST", "/classify", json.dumps({"texts": [text]}).encode())[1]["answers"][0]["flagged"]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(40))) == [bool(i % 2) for i in range(40)]
