"""The model behind HTTP, on this machine only: needs nothing that `classify.py` does not. It travels in the bundle.

    serve [--port 8765] [--threads N]

    POST /classify   {"texts": ["...", ...]}   ->  {"answers": [{...}, ...]}
    GET  /health                               ->  {"status": "ready", "name": ..., "version": ...}

Bad input gets 400 (or 404, 405, 411, 413, 415) and {"error": "what is wrong: what to change"}; more than BUSY requests at
once get 503 with Retry-After. It binds 127.0.0.1 and knows no keys: put your own proxy before it to let others in.
"""

import argparse
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # the installed copy has classify.py beside it, and no package around it
from classify import BadText, Classifier  # type: ignore[import-not-found,unused-ignore]

BODY, TEXTS, BUSY, SECONDS = 1_000_000, 64, 16, 10


class Problem(Exception):
    """An answer that is not 200."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    """One request. The server carries the classifier and the manifest."""

    protocol_version = "HTTP/1.1"
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
        """Classify."""
        if not self.server.slots.acquire(blocking=False):
            self.close_connection = True
            return self.reply(503, {"error": "busy: try again"}, {"Retry-After": "1"})
        try:
            self.reply(200, {"answers": self.server.classifier.answers(self.texts())})
        except Problem as problem:
            self.close_connection = True  # its body may not have been read
            self.reply(problem.status, {"error": str(problem)})
        except BadText as error:
            self.reply(400, {"error": str(error)})
        except TimeoutError:
            self.close_connection = True
            self.reply(408, {"error": f"no body within {SECONDS} s: send it at once"})
        finally:
            self.server.slots.release()
        return None

    def texts(self) -> list[str]:
        """The texts of the body. Raises Problem."""
        if self.path != "/classify":
            raise Problem(404, f"no {self.path}: POST /classify")
        if self.headers.get_content_type() != "application/json":
            raise Problem(415, "the body is not JSON: send Content-Type: application/json")
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            raise Problem(411, "no length: send Content-Length")
        if int(length) > BODY:
            raise Problem(413, f"{length} bytes: send at most {BODY}")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise Problem(400, f'not JSON ({error}): send {{"texts": [...]}}') from None
        texts = body.get("texts") if isinstance(body, dict) else None
        if not isinstance(texts, list) or not 1 <= len(texts) <= TEXTS:
            raise Problem(400, f'no list of texts: send {{"texts": [...]}} with 1 to {TEXTS} strings')
        return texts

    def reply(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        """JSON."""
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def do_other(self) -> None:
        """PUT, DELETE and the like."""
        self.close_connection = True
        self.reply(405, {"error": f"no {self.command}: GET /health or POST /classify"}, {"Allow": "GET, POST"})

    do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_other

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: texts and addresses of users do not belong into a log."""


class Server(ThreadingHTTPServer):
    """On loopback, with one classifier for all threads."""

    daemon_threads = True

    def __init__(self, port: int, folder: Path, threads: int, about: dict[str, str]):
        super().__init__(("127.0.0.1", port), Handler)
        self.classifier, self.about, self.slots = Classifier(folder, threads), about, BoundedSemaphore(BUSY)


def main(home: Path) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8765, choices=range(65536), metavar="PORT")
    parser.add_argument("--threads", type=int, default=1, choices=range(1, 257), metavar="N")
    given = parser.parse_args()
    manifest = json.loads((home / "MANIFEST.json").read_text(encoding="utf-8"))
    about = {"name": manifest["name"], "version": manifest["version"]}
    try:
        server = Server(given.port, home / "model", given.threads, about)
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
