"""What the door promises, seen from outside, on the echo engine; the real engines are behind the same door."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from common.errors import NotReady
from common.llm import LLM
from serving import server
from tests.serving.conftest import HELLO, call

CHAT = "/v1/chat/completions"


def test_a_key_guards_every_path_but_health(key, echo) -> None:
    server.up(echo)
    url = server.url_of(echo)
    assert call(url, "/health")[0] == 200
    for path, body in (("/v1/models", None), (CHAT, HELLO), ("/metrics", None), ("/tokenize", {}), ("/ping", None)):
        for wrong in ("", "other"):
            status, _, text = call(url, path, body, key=wrong)
            assert status == 401 and json.loads(text)["error"]["code"] == "invalid_api_key", path
    assert call(url, CHAT, HELLO, key=key)[0] == 200


def test_without_a_key_every_caller_on_this_machine_may_ask(echo_url) -> None:
    assert call(echo_url, CHAT, HELLO)[0] == 200


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"guided_choice": ["a"]}, 400, "structured_outputs"),
        ({"tools": [{"type": "function"}]}, 400, "has no tool calls"),
        ({"response_format": {"type": "json_object"}}, 400, "has no JSON schema"),
        ({"structured_outputs": {"regex": "a"}}, 400, "has no regex"),
        ({"logprobs": True}, 400, "has no logprobs"),
        ({"max_tokens": 0}, 400, "at least 1"),
        ({"model": "nope"}, 404, "does not exist"),
        ({"tools": [], "response_format": {"type": "text"}, "logprobs": False}, 200, ""),
    ],
)
def test_what_would_be_ignored_is_refused(echo_url, change, status, says) -> None:
    found, _, text = call(echo_url, CHAT, HELLO | change)
    assert found == status and says in text
    assert status == 200 or ("mend" not in text and json.loads(text)["error"]["message"])


@pytest.mark.parametrize("path", ["/chat/completions", "//v1/chat/completions", "/v1//chat/completions", "/completion"])
def test_a_route_by_another_name_does_not_pass_the_checks_by(echo_url, path) -> None:
    assert call(echo_url, path, HELLO | {"tools": [{"type": "function"}]})[0] == 404


def test_a_request_that_is_nested_without_end_is_refused(echo_url) -> None:
    assert call(echo_url, CHAT, b"[" * 100_000)[0] == 400


def test_a_wrong_key_is_named(key, echo, monkeypatch) -> None:
    server.up(echo)
    with pytest.raises(NotReady, match="refuses the key") as caught:
        LLM(f"{server.url_of(echo)}/v1", key="wrong")
    assert "LLM_API_KEY" in caught.value.mend


def test_broken_json_reaches_the_engine_which_says_so(echo_url) -> None:
    assert call(echo_url, CHAT, b"{")[0] == 400


def test_a_body_over_the_limit_is_refused_before_it_is_parsed(echo_url) -> None:
    status, _, text = call(echo_url, CHAT, b" " * (1025 * 1024))
    assert status == 413 and "1024 KiB" in text


def test_overload_is_503_with_retry_after_and_passes(echo) -> None:
    slow = echo.model_copy(update={"echo_pace": 0.2, "max_num_requests": 1, "retry_after": 7})
    server.up(slow)
    url = server.url_of(slow)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: call(url, CHAT, HELLO), range(4)))
    statuses = [status for status, _, _ in answers]
    assert statuses.count(200) >= 1 and statuses.count(503) >= 1 and set(statuses) == {200, 503}
    assert all(headers["retry-after"] == "7" for status, headers, _ in answers if status == 503)
    assert call(url, CHAT, HELLO)[0] == 200


def test_sigterm_lets_a_running_answer_finish(echo) -> None:
    slow = echo.model_copy(update={"echo_pace": 0.3})
    server.up(slow)
    found: list[tuple[int, str]] = []

    def ask() -> None:
        status, _, text = call(server.url_of(slow), CHAT, HELLO | {"stream": True})
        found.append((status, text))

    asking = threading.Thread(target=ask)
    asking.start()
    while not server.recorded(slow):
        time.sleep(0.05)
    time.sleep(0.6)  # the answer takes 2 s: it has begun and has not ended
    server.down(slow)
    asking.join()
    assert found and found[0][0] == 200 and found[0][1].rstrip().endswith("[DONE]")
    assert not server.port_taken(slow.port)
