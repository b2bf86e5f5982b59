"""The echo engine: a fake OpenAI server for fast tests. Every answer begins by saying that no model wrote it.

Same paths and stream format as the real engines, behind the same door: /health, /v1/models, /v1/chat/completions.
"""

import argparse
import asyncio
import json
import time
from collections.abc import MutableMapping
from typing import Any

from serving.config import settings
from serving.door import Door, Receive, Send, read, refuse
from serving.proxy import listen

NOTICE = "[echo engine, not a model]"
MODELS = {"object": "list", "data": [{"id": "echo", "object": "model", "created": 0, "owned_by": "fieldkit"}]}


async def echo(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """The application: repeats the last line of the last message, a word every ECHO_PACE seconds."""
    if scope["path"] == "/health":
        return await reply(send, {"status": "ok"})
    if scope["path"] == "/v1/models":
        return await reply(send, MODELS)
    if scope["path"] != "/v1/chat/completions" or scope["method"] != "POST":
        return await refuse(send, 404, f"no route {scope['path']}", "not_found")
    try:
        request = json.loads(await read(receive, 1 << 20) or b"")
        last = request["messages"][-1]["content"]
        text = f"{NOTICE} {last.splitlines()[-1] if last else ''}"
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        return await refuse(send, 400, f"not a chat request: {error!r}", "invalid_request_error")
    words = [w + " " for w in text.split()][: int(request.get("max_tokens") or 64)]
    counts = (len(last.split()), len(words))
    usage = {"prompt_tokens": counts[0], "completion_tokens": counts[1], "total_tokens": sum(counts)}
    base = {"id": "echo", "created": int(time.time()), "model": "echo"}
    pace = settings().echo_pace
    if not request.get("stream"):
        await asyncio.sleep(pace * len(words))
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": "".join(words).strip()},
            "finish_reason": "stop",
        }
        return await reply(send, base | {"object": "chat.completion", "choices": [choice], "usage": usage})
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"content": w}, "finish_reason": None}]} for w in words
    ]
    chunks += [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, {"choices": [], "usage": usage}]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    for chunk in chunks:
        await asyncio.sleep(pace)
        line = f"data: {json.dumps(base | {'object': 'chat.completion.chunk'} | chunk)}\n\n"
        await send({"type": "http.response.body", "body": line.encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


async def reply(send: Send, body: dict[str, Any]) -> None:
    """One JSON answer."""
    data = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": data})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    listen(Door(echo, "echo", ("echo",)), parser.parse_args().port, settings().drain_seconds)
