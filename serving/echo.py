"""The echo engine: a fake OpenAI server for fast tests. Every answer begins by saying that no model wrote it.

Same paths and stream format as the real engines: /health, /v1/models, /v1/chat/completions (streamed or not).
"""

import argparse
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NOTICE = "[echo engine, not a model]"


class Echo(BaseHTTPRequestHandler):
    """Repeats the last line of the last message."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: Any) -> None:
        """Silent: the log file is for errors."""

    def reply(self, status: int, body: dict[str, Any]) -> None:
        """One JSON answer."""
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        """Health and the list of models."""
        if self.path == "/health":
            return self.reply(200, {"status": "ok"})
        if self.path == "/v1/models":
            return self.reply(
                200,
                {"object": "list", "data": [{"id": "echo", "object": "model", "created": 0, "owned_by": "fieldkit"}]},
            )
        return self.reply(404, {"error": {"message": f"no route {self.path}"}})

    def do_POST(self) -> None:
        """Chat completions."""
        try:
            request = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            last = request["messages"][-1]["content"]
        except (ValueError, KeyError, IndexError, TypeError) as error:
            return self.reply(400, {"error": {"message": f"not a chat request: {error!r}"}})
        text = f"{NOTICE} {last.splitlines()[-1] if last else ''}"
        words = [w + " " for w in text.split()][: int(request.get("max_tokens") or 64)]
        usage = {
            "prompt_tokens": len(last.split()),
            "completion_tokens": len(words),
            "total_tokens": len(last.split()) + len(words),
        }
        base = {"id": "echo", "created": int(time.time()), "model": "echo"}
        if not request.get("stream"):
            message = {"role": "assistant", "content": "".join(words).strip()}
            return self.reply(
                200,
                base
                | {
                    "object": "chat.completion",
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                    "usage": usage,
                },
            )
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        chunks: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "delta": {"content": w}, "finish_reason": None}]} for w in words
        ]
        chunks += [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, {"choices": [], "usage": usage}]
        for chunk in chunks:
            self.wfile.write(f"data: {json.dumps(base | {'object': 'chat.completion.chunk'} | chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True
        return None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Echo).serve_forever()
