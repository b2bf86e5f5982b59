"""Pass requests on to an engine on a private loopback port, and listen for both kinds of small ASGI application.

Nothing is parsed or changed; a client that goes away ends the request at the engine; an engine that breaks off in
mid-stream breaks the client's stream too, so that nobody takes half an answer for a whole one.
"""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from serving.door import App, Receive, Send, refuse

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"}
OURS = {"host", "authorization", "content-length"}


class Proxy:
    """An ASGI application that asks `url`, with `key` in place of the caller's."""

    def __init__(self, url: str, key: str):
        import httpx2

        self._client = httpx2.AsyncClient(
            base_url=url,
            timeout=None,
            trust_env=False,
            headers={"authorization": f"Bearer {key}"},
            limits=httpx2.Limits(max_connections=None),
        )

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        asking = asyncio.create_task(self._ask(scope, await _body(receive), send))
        leaving = asyncio.create_task(_gone(receive))
        done, _ = await asyncio.wait({asking, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if asking in done:
            asking.result()  # raises what went wrong: the server then closes the connection
        else:
            asking.cancel()
            await asyncio.wait({asking})

    async def _ask(self, scope: MutableMapping[str, Any], body: bytes, send: Send) -> None:
        import httpx2

        headers = [(k, v) for k, v in scope["headers"] if k.decode("latin-1").lower() not in HOP_BY_HOP | OURS]
        path = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
        request = self._client.build_request(scope["method"], path, headers=headers, content=body)
        try:
            answer = await self._client.send(request, stream=True)
        except httpx2.TransportError as error:
            await refuse(send, 502, f"the engine does not answer: {error!r}", "engine_failed")
            return
        try:
            kept = [(k, v) for k, v in answer.headers.raw if k.decode("latin-1").lower() not in HOP_BY_HOP]
            await send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
            async for piece in answer.aiter_raw():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await answer.aclose()


async def _body(receive: Receive) -> bytes:
    pieces = []
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(pieces)


async def _gone(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def listen(app: App, port: int, drain_seconds: int) -> None:
    """Serve `app` on 127.0.0.1 until SIGTERM, which lets running requests finish for `drain_seconds`."""
    import uvicorn

    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=drain_seconds,
    )
