"""The llama.cpp engine as a process: `python -m serving.llamacpp MODEL.gguf --name N --port P`.

llama.cpp's own server has no queue limit, takes any model name, answers any web page and ignores fields that it does not know. It
therefore listens on a private loopback port under a key of its own, and the kit's door stands before it.
"""

import argparse
import json
import secrets
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from serving.config import settings
from serving.door import App, Door, Receive, Send, read, replay
from serving.proxy import Proxy, listen


def engine(model: Path, name: str, slots: int, context: int, threads: int, key: str) -> Any:
    """Load the model and start llama.cpp's server on a port of its choice. The threads live as long as the object."""
    import xllamacpp

    p = xllamacpp.CommonParams()
    p.model.path, p.model_alias = str(model), {name}
    p.hostnames, p.port = ["127.0.0.1"], 0
    p.api_keys, p.cors_origins, p.ui, p.endpoint_slots = [key], "", False, False
    p.n_parallel, p.n_ctx = slots, slots * context  # llama.cpp divides its context by the slots
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = threads
    p.endpoint_metrics = True
    return xllamacpp.Server(p)


class Dialect:
    """Says in llama.cpp's words what the kit's clients say in vLLM's: `structured_outputs` with a choice or a schema."""

    def __init__(self, app: App):
        self.app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request; everything that is not JSON passes as it is."""
        if scope["type"] == "http" and scope["method"] == "POST":
            body = await read(receive, settings().max_body_kib * 1024) or b""
            receive = replay(translate(body), receive)
        await self.app(scope, receive, send)


def translate(body: bytes) -> bytes:
    """`structured_outputs` into a GBNF grammar or a response format."""
    try:
        request = json.loads(body)
        wanted = request.pop("structured_outputs", None)
    except (ValueError, AttributeError):
        return body
    if not isinstance(wanted, dict):
        return body
    if isinstance(wanted.get("choice"), list):
        request["grammar"] = f"root ::= {' | '.join(json.dumps(str(c), ensure_ascii=False) for c in wanted['choice'])}"
    if "json" in wanted:
        request["response_format"] = {"type": "json_schema", "json_schema": {"name": "it", "schema": wanted["json"]}}
    return json.dumps(request).encode()


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--context", type=int, default=2048, help="tokens a slot")
    parser.add_argument("--threads", type=int, default=2)
    a = parser.parse_args()
    key = secrets.token_urlsafe(16)
    running = engine(a.model, a.name, a.slots, a.context, a.threads, key)
    listen(
        Door(Dialect(Proxy(running.listening_address, key)), "llamacpp", (a.name,)), a.port, settings().drain_seconds
    )


if __name__ == "__main__":
    main()
