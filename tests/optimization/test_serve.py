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
    made = serve.Server(0, serve.Classifier(model), ABOUT)
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


def raw(server: serve.Server, data: bytes, end: bool = False) -> bytes:
    """What comes back until the connection ends. end: say that no more is sent."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as link:
        link.sendall(data)
        if end:
            link.shutdown(socket.SHUT_WR)
        found = b""
        while part := link.recv(65536):
            found += part
    return found


POST = b"POST /classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def test_a_slow_body_is_given_up_and_holds_no_slot(server) -> None:
    import time

    server.seconds = 0.5
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as link:
        link.sendall(POST + b"Content-Length: 1000\r\n\r\n")
        began = time.monotonic()
        for _ in range(3):  # byte by byte, each within the limit of one read
            link.sendall(b"{")
            time.sleep(0.1)
            assert server.slots._value == serve.BUSY
        assert b"408" in link.recv(4096) and time.monotonic() - began < 5


def test_a_half_body_is_told(server) -> None:
    assert b"1 of 1000 bytes" in raw(server, POST + b"Content-Length: 1000\r\n\r\n{", end=True)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /health HTTP/1.1\r\nContent-Length: 32\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", b"200"),
        (POST + b'Content-Length: 17\r\nContent-Length: 5\r\n\r\n{"texts": ["hi"]}', b"411"),
        (POST + b'Transfer-Encoding: chunked\r\nContent-Length: 17\r\n\r\n{"texts": ["hi"]}', b"411"),
        (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", b"411"),
        (b"TRACE /health HTTP/1.1\r\n\r\n", b"501"), (b"\x16\x03\x01 nonsense\r\n\r\n", b"400"),
        (POST + b'Content-Length: 17\r\n\r\n{"texts": ["hi"]}', b"200"),  # the control
    ],
)  # fmt: skip
def test_one_request_has_one_answer_in_json(server, data, status) -> None:
    head, _, body = raw(server, data).partition(b"\r\n\r\n")
    assert head.split()[1] == status and head.count(b"HTTP/1.0") == 1
    assert isinstance(json.loads(body), dict)  # one document, and nothing behind it


def test_too_many_connections_are_closed_and_the_others_go_on(server) -> None:
    links = [socket.create_connection(("127.0.0.1", server.server_port), timeout=10) for _ in range(serve.CONNECTIONS)]
    links[0].sendall(b"GET /health HTTP/1.0\r\n\r\n")
    answer = b"".join(iter(lambda: links[0].recv(4096), b""))  # head and body may come one after the other
    assert b"ready" in answer
    for link in links:
        link.close()


def test_more_characters_than_one_request_may_cost_are_refused(server) -> None:
    body = json.dumps({"texts": ["x" * 99_999] * 3}).encode()
    assert ask(server, "POST", "/classify", body)[0] == 413
    assert ask(server, "POST", "/classify", json.dumps({"texts": ["x " * 9_999] * 2}).encode())[0] == 200


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
