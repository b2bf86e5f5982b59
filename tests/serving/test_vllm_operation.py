"""vLLM under the conditions of real operation: a key, adapters, overload, traces, a crash, a drain; one server for all."""

import json
import os
import signal
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import psutil
import pytest

from common.errors import EngineFailed
from common.llm import LLM
from serving import server, supervisor, vllm
from serving.config import ServingSettings
from tests.conftest import forget, free_port
from tests.serving.conftest import HELLO, call
from tests.serving.test_supervisor import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not vllm.installed(), reason="vLLM is not installed: make setup-torch"),
]
CHAT = "/v1/chat/completions"
KEY = "test-key-only"


def write_adapter(folder: Path, scale: float) -> Path:
    """A LoRA adapter of rank 4 for SmolLM2's query projections, in the form that peft writes."""
    folder.mkdir()
    tensors: dict[str, np.ndarray] = {}
    made = np.random.default_rng(7)
    for layer in range(30):
        name = f"base_model.model.model.layers.{layer}.self_attn.q_proj"
        tensors[f"{name}.lora_A.weight"] = made.normal(0, 1, (4, 576)).astype(np.float32)
        tensors[f"{name}.lora_B.weight"] = (scale * made.normal(0, 1, (576, 4))).astype(np.float32)
    header, offset = {}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    head = json.dumps(header).encode()
    body = b"".join(t.tobytes() for t in tensors.values())
    (folder / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + body)
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


class Collector(BaseHTTPRequestHandler):
    """Keeps what vLLM exports."""

    bodies: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        Collector.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def engine(make_home, tmp_path_factory) -> Iterator[ServingSettings]:
    adapters = tmp_path_factory.mktemp("adapters")
    lora = f"none={write_adapter(adapters / 'none', 0.0)},strong={write_adapter(adapters / 'strong', 0.5)}"
    collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    traces = f"http://127.0.0.1:{collector.server_port}/v1/traces"
    patch = pytest.MonkeyPatch()
    patch.setenv("FIELDKIT_HOME", str(make_home("operation")))
    patch.setenv("LLM_API_KEY", KEY)
    patch.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")
    forget()
    s = ServingSettings(
        ENGINE="vllm",
        SERVING_PORT=free_port(),
        LORA=lora,
        MAX_NUM_SEQS=2,
        MAX_NUM_REQUESTS=3,
        START_TIMEOUT=500,
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=traces,
    )
    server.up(s)
    yield s
    server.down(s)
    collector.shutdown()
    patch.undo()
    forget()


@pytest.fixture
def url(engine) -> str:
    return server.url_of(engine)


def say(url: str, model: str) -> str:
    body = HELLO | {"model": model, "temperature": 0, "max_tokens": 16}
    status, _, text = call(url, CHAT, body, key=KEY)
    assert status == 200, text
    return str(json.loads(text)["choices"][0]["message"]["content"])


def test_the_key_guards_what_vllm_leaves_open(url) -> None:
    assert call(url, "/health")[0] == 200
    for path, body in (
        (CHAT, HELLO),
        ("/tokenize", {"prompt": "a"}),
        ("/metrics", None),
        ("/ping", None),
        ("/docs", None),
    ):
        assert call(url, path, body)[0] == 401, path
        assert call(url, path, body, key="wrong")[0] == 401, path
    assert call(url, "/metrics", key=KEY)[0] == 200
    assert json.loads(call(url, "/tokenize", {"prompt": "a b"}, key=KEY)[2])["count"] == 2


def test_an_adapter_is_asked_for_by_name_and_changes_the_answer(url) -> None:
    names = [m["id"] for m in json.loads(call(url, "/v1/models", key=KEY)[2])["data"]]
    assert names == ["smollm2", "none", "strong"]
    base = say(url, "smollm2")
    assert say(url, "none") == base  # an adapter of zeros is the model itself
    assert say(url, "strong") != base


def test_overload_is_503_with_retry_after_and_the_rest_is_answered(engine, url) -> None:
    body = HELLO | {"max_tokens": 24, "ignore_eos": True}
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: call(url, CHAT, body, key=KEY), range(10)))
    statuses = [a[0] for a in answers]
    assert set(statuses) == {200, 503} and statuses.count(200) >= 3, statuses
    assert all(h["retry-after"] == str(engine.retry_after) for status, h, _ in answers if status == 503)
    assert "vllm:admission_rejections_total" in call(url, "/metrics", key=KEY)[2]


def test_the_engine_s_spans_join_the_client_s_trace(engine, url) -> None:
    from common import tracking

    with tracking.tracing("serving"):
        LLM(f"{url}/v1").chat([{"role": "user", "content": "Say hello."}], max_tokens=4)
    (trace, *_) = tracking.mlflow_client().search_traces(locations=[tracking.experiment("serving")], max_results=1)
    number = bytes.fromhex(trace.info.trace_id.removeprefix("tr-"))
    until(lambda: any(number in body for body in Collector.bodies), 30)


def test_half_an_answer_is_an_error_and_the_engine_comes_back(engine, url) -> None:
    """kill -9 of vLLM's engine in mid-stream: vLLM ends the stream with an error event and [DONE], then ends with code 0."""
    until(lambda: server.status(engine).get("state") == "up")
    before = server.status(engine)["restarts"]
    victim = next(p for p in supervisor.session_members(server.recorded(engine)["pid"]) if "EngineCore" in p.name())
    begun = threading.Event()
    kill = threading.Thread(target=lambda: begun.wait(60) and os.kill(victim.pid, signal.SIGKILL))
    kill.start()
    with pytest.raises(EngineFailed):
        LLM(f"{url}/v1").chat(
            [{"role": "user", "content": "Tell a long story."}],
            max_tokens=800,
            on_text=lambda _: begun.set(),
            extra_body={"ignore_eos": True},
        )
    kill.join()
    until(lambda: server.status(engine)["up"] and server.status(engine)["restarts"] == before + 1, 240)
    assert say(url, "smollm2")


def test_sigterm_drains_and_leaves_nothing(engine, url) -> None:
    body = HELLO | {"max_tokens": 60, "ignore_eos": True, "stream": True}
    found: list[tuple[int, dict[str, str], str]] = []
    asking = threading.Thread(target=lambda: found.append(call(url, CHAT, body, key=KEY)))
    asking.start()
    time.sleep(1)  # about a dozen tokens of sixty
    session = server.recorded(engine)["pid"]
    members = [p.pid for p in supervisor.session_members(session)]
    assert len(members) >= 3
    assert server.down(engine)
    asking.join()
    assert found[0][0] == 200 and '"error"' not in found[0][2] and '"finish_reason":"length"' in found[0][2]
    assert not [pid for pid in members if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"]
    assert not server.port_taken(engine.port)


def test_nothing_survives_kill_9_of_the_supervisor(make_home, monkeypatch) -> None:
    """In the middle of a start, when three processes exist and none answers."""
    monkeypatch.setenv("FIELDKIT_HOME", str(make_home("killed")))
    forget()
    s = ServingSettings(ENGINE="vllm", SERVING_PORT=free_port())

    def start() -> None:
        with pytest.raises(EngineFailed):
            server.up(s)

    starting = threading.Thread(target=start)
    starting.start()
    until(lambda: server.recorded(s) and "EngineCore" in server.log_of(s), 120)
    session = server.recorded(s)["pid"]
    os.kill(session, signal.SIGKILL)
    starting.join()
    until(lambda: not supervisor.session_members(session), 30)
    forget()
