"""Helpers of the serving tests: raw HTTP, so that a test sees the status that a client of another make would see."""

import http.client
import json
from typing import Any

import pytest

from serving import server
from serving.config import ServingSettings
from tests.conftest import forget, free_port

HELLO = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 8}


def call(url: str, path: str, body: Any = None, key: str = "", method: str = "") -> tuple[int, dict[str, str], str]:
    """(status, headers in lower case, text) of one request. body: an object sent as JSON, or bytes sent as they are."""
    host = url.removeprefix("http://").split("/")[0]
    connection = http.client.HTTPConnection(host, timeout=120)
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    connection.request(method or ("GET" if data is None else "POST"), path, data, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, text


@pytest.fixture
def echo(home):
    """Settings of an echo engine on a free port, not started; ended afterwards."""
    s = ServingSettings(ENGINE="echo", SERVING_PORT=free_port())
    yield s
    server.down(s)


@pytest.fixture
def key(home, monkeypatch: pytest.MonkeyPatch) -> str:
    """An API key, set for this test's servers and clients."""
    monkeypatch.setenv("LLM_API_KEY", "test-key-only")
    forget()
    return "test-key-only"
