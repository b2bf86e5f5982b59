"""The door of every engine of ours: one ASGI middleware, inside vLLM's server (`--middleware`) and before llama.cpp.

It holds four promises that the engines do not make themselves:
- with LLM_API_KEY set, every path but /health wants the key (vLLM alone leaves /metrics, /tokenize and /ping open);
- a request of which the engine would ignore a part is refused with 400 (see `serving.capabilities`);
- a body over MAX_BODY_KIB is refused with 413, before it is parsed;
- overload is 503 with Retry-After. vLLM counts its own queue; for the others the door counts.

Errors have OpenAI's form: {"error": {"message", "type", "code"}}.
"""

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from serving import capabilities
from serving.config import ServingSettings, settings

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


OPEN = ("/health", "/metrics", "/tokenize", "/detokenize")  # besides /v1/...


class Door:
    """Wraps `app`. vLLM builds it with the application only: then engine and settings are those of the process.

    models: names that may be asked for; empty leaves that to the engine.
    """

    def __init__(self, app: App, engine: str = "vllm", models: tuple[str, ...] = (), s: ServingSettings | None = None):
        from common.settings import settings as shared

        self.app, self.engine, self.models = app, engine, models
        self.s = s or settings()
        key = shared().llm_key.get_secret_value()
        self._key = digest(key) if shared().has_key else b""
        self._limit = 0 if engine == "vllm" else self.s.max_num_requests  # vLLM refuses by itself
        self._inside = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "websocket" and self._key:  # vLLM's realtime routes: not served under a key
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if not self._may_enter(scope):
            await refuse(send, 401, "the API key is missing or wrong", "invalid_api_key")
            return
        if unknown := self._path(scope["path"]):
            await refuse(send, 404, unknown, "not_found")
            return
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, replay(b"", receive), send)  # whatever body it has is not read
            return
        body = await read(receive, self.s.max_body_kib * 1024)
        if body is None:
            await refuse(send, 413, f"the request is larger than {self.s.max_body_kib} KiB", "request_too_large")
            return
        if self._limit and self._inside >= self._limit:
            await refuse(send, 503, "the engine is busy", "overloaded", self._retry())
            return
        if problem := self._problem(scope["path"], body):
            status, text = problem
            await refuse(send, status, text, {404: "model_not_found"}.get(status, "invalid_request_error"))
            return
        self._inside += 1
        try:
            await self.app(scope, replay(body, receive), self._with_retry_after(send))
        finally:
            self._inside -= 1

    def _may_enter(self, scope: MutableMapping[str, Any]) -> bool:
        if not self._key or (scope["path"] == "/health" and scope["method"] == "GET"):
            return True
        given = next((v for k, v in scope["headers"] if k.lower() == b"authorization"), b"").decode("latin-1")
        scheme, _, key = given.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(digest(key), self._key)

    def _problem(self, path: str, body: bytes) -> tuple[int, str] | None:
        """(status, what is wrong), or None. Broken JSON passes: the engine names the place."""
        try:
            request = json.loads(body)
        except RecursionError:
            return 400, "the request is nested too deeply"
        except ValueError:
            return None
        if not isinstance(request, dict):
            return None
        if self.models and request.get("model") not in (None, *self.models):
            return 404, f"the model {request['model']!r} does not exist; there is: {', '.join(self.models)}"
        reason = capabilities.refusal(self.engine, path, request)
        return (400, reason) if reason else None

    def _path(self, path: str) -> str:
        """Why a path is not served: llama.cpp knows its routes by other names too, which would pass the checks by."""
        known = path in OPEN or (path.startswith("/v1/") and "//" not in path)
        return "" if self.engine == "vllm" or known else f"no route {path}"

    def _retry(self) -> list[tuple[bytes, bytes]]:
        return [(b"retry-after", str(self.s.retry_after).encode())]

    def _with_retry_after(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 503:
                message = {**message, "headers": [*message["headers"], *self._retry()]}
            await send(message)

        return sending


def digest(key: str) -> bytes:
    """Keys are compared by their hashes, in constant time."""
    return hashlib.sha256(key.encode()).digest()


async def read(receive: Receive, limit: int) -> bytes | None:
    """The whole body; None where it is longer than `limit` bytes."""
    pieces, size = [], 0
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            return None
        if not message.get("more_body") or message["type"] == "http.disconnect":
            return b"".join(pieces)


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read, then what comes (a disconnect)."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receiving() -> Message:
        return waiting.pop() if waiting else await receive()

    return receiving


async def refuse(
    send: Send, status: int, text: str, code: str, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """An error in OpenAI's form."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    body = json.dumps({"error": {"message": text, "type": kind, "param": None, "code": code}}).encode()
    length = (b"content-length", str(len(body)).encode())
    start = {"type": "http.response.start", "status": status}
    await send({**start, "headers": [(b"content-type", b"application/json"), length, *(headers or [])]})
    await send({"type": "http.response.body", "body": body})
