"""The model behind HTTP, on this machine only: needs nothing that `classify.py` does not. It travels in the bundle.

    serve [--port 8765] [--threads N]

    POST /classify   {"texts": ["...", ...]}   ->  {"answers": [{...}, ...]}
    GET  /health                               ->  {"status": "ready", "name": ..., "version": ...}

Bad input gets 400 (or 404, 405, 408, 411, 413, 415, 501) and {"error": "what is wrong: what to change"}; more than BUSY
requests at once get 503 with Retry-After, and a connection serves one request. It binds 127.0.0.1 and knows no keys: put
your own proxy before it to let others in.
"""

import argparse
import json
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # the installed copy has classify.py beside it, and no package around it
from classify import BadText, Classifier  # type: ignore[import-not-found,unused-ignore]

BODY, TEXTS, CHARACTERS = 1_000_000, 64, 200_000  # of one request
BUSY, CONNECTIONS, SECONDS = 8, 64, 10.0


class Problem(Exception):
    """An answer that is not 200."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    """One request. The server carries the classifier and the manifest."""

    protocol_version = "HTTP/1.0"  # one request a connection: what follows a body is never taken for another request
    default_request_version = "HTTP/1.0"  # a line that is no request is answered in full, too
    server_version, sys_version = "classify", ""
    timeout = SECONDS  # a client that sends nothing is hung up on
    server: "Server"

    def do_GET(self) -> None:
        """Health."""
        if self.path == "/health":
            self.reply(200, {"status": "ready", **self.server.about})
        else:
            self.reply(404, {"error": f"no {self.path}: GET /health or POST /classify"})

    def do_POST(self) -> None:
        """Classify. The body is read before a slot is taken, so that a slow client holds none."""
        try:
            texts = self.texts()
            if not self.server.slots.acquire(blocking=False):
                raise Problem(503, "busy: try again")
            try:
                self.reply(200, {"answers": self.server.classifier.answers(texts)})
            finally:
                self.server.slots.release()
        except Problem as problem:
            self.reply(problem.status, {"error": str(problem)})
        except BadText as error:
            self.reply(400, {"error": str(error)})

    def texts(self) -> list[str]:
        """The texts of the body. Raises Problem."""
        if self.path != "/classify":
            raise Problem(404, f"no {self.path}: POST /classify")
        if self.headers.get_content_type() != "application/json":
            raise Problem(415, "the body is not JSON: send Content-Type: application/json")
        lengths = self.headers.get_all("Content-Length", [])
        if self.headers.get("Transfer-Encoding") or len(lengths) != 1 or not re.fullmatch("[0-9]{1,9}", lengths[0]):
            raise Problem(411, "no length: send one Content-Length, and the body in one piece")
        if int(lengths[0]) > BODY:
            raise Problem(413, f"{lengths[0]} bytes: send at most {BODY}")
        try:
            body = json.loads(self.body(int(lengths[0])))
        except (ValueError, RecursionError) as error:
            raise Problem(400, f'not JSON ({error}): send {{"texts": [...]}}') from None
        texts = body.get("texts") if isinstance(body, dict) else None
        if not isinstance(texts, list) or not 1 <= len(texts) <= TEXTS:
            raise Problem(400, f'no list of texts: send {{"texts": [...]}} with 1 to {TEXTS} strings')
        if sum(len(t) for t in texts if isinstance(t, str)) > CHARACTERS:
            raise Problem(413, f"more than {CHARACTERS} characters: send them in parts")
        return texts

    def body(self, length: int) -> bytes:
        """The body, all of it within SECONDS: one that comes byte by byte is given up."""
        until, found = time.monotonic() + self.server.seconds, b""
        while len(found) < length:
            left = until - time.monotonic()
            self.connection.settimeout(max(left, 0.001))
            try:
                part = self.rfile.read1(length - len(found)) if left > 0 else None
            except TimeoutError:
                part = None
            if part is None:
                raise Problem(408, f"no whole body within {self.server.seconds:.0f} s: send it at once")
            if not part:
                raise Problem(400, f"{len(found)} of {length} bytes came: send them all")
            found += part
        return found

    def reply(self, status: int, body: dict[str, Any]) -> None:
        """JSON, and the end of the connection."""
        data = json.dumps(body).encode()
        self.connection.settimeout(self.server.seconds)
        self.send_response(status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(data)), "Connection": "close"}
        headers |= {"Retry-After": "1"} if status == 503 else {"Allow": "GET, POST"} if status == 405 else {}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the library refuses by itself (a request line that is none, an unknown method), in our form."""
        self.reply(code, {"error": f"{message or 'not HTTP'}: GET /health or POST /classify"})

    def do_other(self) -> None:
        """PUT, DELETE and the like."""
        self.reply(405, {"error": f"no {self.command}: GET /health or POST /classify"})

    do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_other

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: texts and addresses of users do not belong into a log."""


class Server(ThreadingHTTPServer):
    """On loopback, with one classifier for all threads."""

    daemon_threads = True
    request_queue_size = CONNECTIONS
    seconds = SECONDS

    def __init__(self, port: int, classifier: Classifier, about: dict[str, str]):
        super().__init__(("127.0.0.1", port), Handler)
        self.classifier, self.about, self.slots = classifier, about, BoundedSemaphore(BUSY)
        self._open = BoundedSemaphore(CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for a connection; at the limit it is closed at once."""
        if self._open.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The thread's work."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """One line, without an address: mostly a client that hung up."""
        sys.stderr.write(f"a request failed: {type(sys.exception()).__name__}\n")


def main(home: Path) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8765, choices=range(65536), metavar="PORT")
    parser.add_argument("--threads", type=int, default=1, choices=range(1, 257), metavar="N")
    given = parser.parse_args()
    manifest = json.loads((home / "MANIFEST.json").read_text(encoding="utf-8"))
    about = {"name": manifest["name"], "version": manifest["version"]}
    classifier = Classifier(home / "model", given.threads)
    try:
        server = Server(given.port, classifier, about)
    except OSError as error:
        sys.stderr.write(f"error: cannot listen on 127.0.0.1:{given.port} ({error.strerror}): --port, another one\n")
        return 2
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(__file__).parent))
