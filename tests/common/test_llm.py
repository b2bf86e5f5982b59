"""The one client: traces, and streams that break."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from common import tracking
from common.errors import EngineFailed, NotReady
from common.llm import LLM
from serving.echo import NOTICE

HELLO = [{"role": "user", "content": "hello there"}]


def test_an_answer_streams_and_counts(home, echo_url) -> None:
    heard: list[str] = []
    answer = LLM(echo_url).chat(HELLO, on_text=heard.append)
    assert answer.text.startswith(NOTICE) and "".join(heard) == answer.text
    assert answer.completion_tokens == len(answer.text.split()) and 0 < answer.ttft <= answer.seconds
    assert answer.finish_reason == "stop"


def test_every_call_is_a_trace_with_prompt_answer_tokens_and_ttft(home, echo_url) -> None:
    with tracking.tracing("room"):
        LLM(echo_url).chat(HELLO)
    (trace,) = tracking.mlflow_client().search_traces(locations=[tracking.experiment("room")])
    (span,) = trace.data.spans
    assert span.inputs["messages"] == HELLO and NOTICE in span.outputs["text"]
    assert span.attributes["mlflow.chat.tokenUsage"]["output_tokens"] > 0 and span.attributes["ttft_seconds"] > 0


def test_outside_a_named_experiment_traces_still_go_to_the_kit_s_address(home, echo_url, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    LLM(echo_url).chat(HELLO)
    import mlflow

    mlflow.flush_trace_async_logging()
    assert list(tmp_path.iterdir()) == [] and mlflow.get_tracking_uri().endswith(f"{home}/mlflow.db")


def test_a_collector_for_the_engine_gets_no_trace_of_ours(home, echo_url, monkeypatch) -> None:
    """MLflow reads the same variable, and would send prompts there and keep nothing."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/v1/traces")
    with tracking.tracing("watched"):
        LLM(echo_url).chat(HELLO)
    assert len(tracking.mlflow_client().search_traces(locations=[tracking.experiment("watched")])) == 1


def test_nobody_at_the_address_is_a_clear_error(home) -> None:
    with pytest.raises(NotReady, match="no LLM answers") as caught:
        LLM("http://127.0.0.1:9/v1")
    assert "serving up" in caught.value.mend


@pytest.fixture
def broken_server():
    """A function: lists of server-sent events, one a request (the last is repeated) -> the URL of a server that streams
    them and hangs up."""
    servers = []

    def start(*streams: list[str]) -> str:
        waiting = list(streams)

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None: ...

            def do_POST(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                for event in waiting.pop(0) if len(waiting) > 1 else waiting[0]:
                    self.wfile.write(f"data: {event}\n\n".encode())

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/v1"

    yield start
    for server in servers:
        server.shutdown()


CHUNK = json.dumps(
    {
        "id": "x",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": "half"}, "finish_reason": None}],
    }
)
ERROR = json.dumps({"error": {"message": "EngineCore encountered an issue", "code": 500}})


@pytest.mark.parametrize(
    "events",
    [[CHUNK], [CHUNK, "[DONE]"], [CHUNK, ERROR, "[DONE]"]],
    ids=["cut off", "done too early", "vLLM's error event"],
)
def test_half_an_answer_is_never_returned(home, broken_server, events) -> None:
    with pytest.raises(EngineFailed):
        LLM(broken_server(events), model="m").chat(HELLO)


WHOLE = json.dumps(
    {
        "id": "x",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": "whole"}, "finish_reason": "stop"}],
    }
)


ABORTED = json.dumps(
    json.loads(WHOLE) | {"choices": [{"index": 0, "delta": {"content": "ha"}, "finish_reason": "abort"}]}
)


def test_an_answer_that_a_shutdown_cut_off_is_no_answer(home, broken_server) -> None:
    with pytest.raises(EngineFailed, match="ended before the answer did"):
        LLM(broken_server([ABORTED, "[DONE]"]), model="m").chat(HELLO)


@pytest.mark.parametrize("broken", [[], ["[DONE]"], [ERROR, "[DONE]"]], ids=["cut off", "empty", "vLLM's error event"])
def test_what_broke_before_its_first_token_is_asked_again(home, broken_server, broken) -> None:
    heard: list[str] = []
    answer = LLM(broken_server(broken, [WHOLE, "[DONE]"]), model="m").chat(HELLO, on_text=heard.append)
    assert answer.text == "whole" and answer.asked == 2 and heard == ["whole"]


def test_it_is_not_asked_for_ever(home, broken_server) -> None:
    with pytest.raises(EngineFailed):
        LLM(broken_server([], [], [], [WHOLE, "[DONE]"]), model="m").chat(HELLO)


def test_what_a_reader_has_begun_to_read_is_not_said_twice(home, broken_server) -> None:
    heard: list[str] = []
    with pytest.raises(EngineFailed):
        LLM(broken_server([CHUNK], [WHOLE, "[DONE]"]), model="m").chat(HELLO, on_text=heard.append)
    assert heard == ["half"]


def test_the_engine_is_given_the_trace_s_number(home, echo_url, monkeypatch) -> None:
    seen: dict[str, str] = {}
    llm = LLM(echo_url)
    real = llm._client.chat.completions.create

    def create(**request):
        seen.update(request["extra_headers"])
        return real(**request)

    monkeypatch.setattr(llm._client.chat.completions, "create", create)
    with tracking.tracing("room"):
        llm.chat(HELLO)
    (trace,) = tracking.mlflow_client().search_traces(locations=[tracking.experiment("room")])
    assert seen["traceparent"].split("-")[1] == trace.info.trace_id.removeprefix("tr-")


class Proxy(BaseHTTPRequestHandler):
    """A proxy of the house that remembers what came by."""

    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        Proxy.seen.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def proxy(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Proxy.seen.clear()
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.server_port}")
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_key_for_this_machine_goes_to_no_proxy(proxy) -> None:
    with pytest.raises(NotReady, match="no LLM answers"):
        LLM("http://127.0.0.1:9/v1", key="secret")
    assert Proxy.seen == []


def test_an_address_that_is_no_endpoint_is_told(proxy) -> None:
    with pytest.raises(NotReady, match="no LLM answers"):
        LLM(proxy)
    assert Proxy.seen == ["/models"]  # asked itself, and not as a proxy
