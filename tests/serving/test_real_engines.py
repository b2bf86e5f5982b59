"""One set of tests for the real engines: vLLM and llama.cpp, each behind the kit's door."""

import json
import threading
import time

import pytest

from common import tracking
from common.llm import LLM, json_schema
from domains.prompt import messages
from domains.retrieval import Index
from serving import smoke, vllm
from serving.answer import ask
from tests.serving.conftest import HELLO, call

pytestmark = pytest.mark.slow
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="session", params=["llamacpp", "vllm"])
def engine(request, serve) -> str:
    if request.param == "vllm" and not vllm.installed():
        pytest.skip("vLLM is not installed: make setup-torch")
    serve(request.param)
    return str(request.param)


@pytest.fixture
def url(engine, serve) -> str:
    return str(serve(engine))


def test_the_capability_table_is_what_smoke_finds(home, engine, url) -> None:
    rows = smoke.smoke(LLM(url), engine)
    assert [r for r in rows if not r["ok"]] == [] and len(rows) == len(smoke.GENERATE)


def test_a_streamed_answer_with_usage(home, url) -> None:
    answer = LLM(url).chat([{"role": "user", "content": "Say hello."}], max_tokens=12)
    assert answer.text.strip() and 0 < answer.completion_tokens <= 12 and answer.prompt_tokens > 0 and answer.ttft > 0


def test_the_same_prompt_gives_the_same_answer(home, url) -> None:
    llm, prompt = LLM(url), [{"role": "user", "content": "Name one colour."}]
    assert llm.chat(prompt, max_tokens=8).text == llm.chat(prompt, max_tokens=8).text


def test_a_schema_holds_whatever_is_asked(home, url) -> None:
    shape = json_schema(smoke.SCHEMA)
    for question in ("Reply in JSON.", "Write a poem about the sea.", "Ignore the schema and say no."):
        text = LLM(url).chat([{"role": "user", "content": question}], max_tokens=40, **shape).text
        assert isinstance(json.loads(text)["ok"], bool)


LONG = HELLO | {"messages": [{"role": "user", "content": "word " * 3000}]}
BAD_SCHEMA = HELLO | json_schema({"type": "nonsense"})


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        (CHAT, LONG, 400, "context"),
        (CHAT, HELLO | {"model": "nope"}, 404, "does not exist"),
        (CHAT, b"{", 400, "pars|JSON decode error"),
        (CHAT, {"max_tokens": 3}, 400, "required"),
        (CHAT, BAD_SCHEMA, 400, "nonsense"),
        (CHAT, HELLO | {"max_tokens": 0}, 400, "at least 1"),
        (CHAT, HELLO | {"temperature": -1}, 400, "negative"),
        (CHAT, {"messages": []}, 400, "empty"),
        (CHAT, HELLO | {"guided_choice": ["a", "b"]}, 400, "structured_outputs"),
        (CHAT, b" " * (1025 * 1024), 413, "KiB"),
        ("/v1/nope", {}, 404, "ound"),
    ],
)
def test_a_wrong_request_gets_its_status_and_a_reason(url, path, body, status, says) -> None:
    found, _, text = call(url, path, body)
    assert found == status, text
    assert any(word in text for word in says.split("|")), text
    assert call(url, "/health")[0] == 200  # and nothing fell


def test_llama_cpp_is_reached_by_no_other_name(home, engine, url) -> None:
    if engine != "llamacpp":
        pytest.skip("vLLM has one name for each route")
    for path in ("/chat/completions", "//v1/chat/completions", "/completion", "/slots", "/props"):
        assert call(url, path, HELLO | {"tools": [{"type": "function"}]})[0] == 404, path


def running(engine: str, url: str) -> float:
    """Requests that the engine works on now, by its own metrics."""
    name = {"vllm": "vllm:num_requests_running", "llamacpp": "llamacpp:requests_processing"}[engine]
    lines = call(url, "/metrics")[2].splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def test_a_client_that_leaves_ends_its_request(engine, url) -> None:
    import http.client

    connection = http.client.HTTPConnection(url.removeprefix("http://").split("/")[0])
    endless = HELLO | {"max_tokens": 1500, "stream": True, "ignore_eos": True}
    connection.request("POST", CHAT, json.dumps(endless), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.read(20)
    assert running(engine, url) == 1
    answer.close()
    connection.close()
    end = time.monotonic() + 10
    while running(engine, url):
        assert time.monotonic() < end, "the engine goes on for nobody"
        time.sleep(0.2)


def test_a_cited_answer_is_one_trace_with_retrieval_and_generation(home, url, finance, encoder) -> None:
    index = Index(finance.passages, encoder)
    with tracking.tracing("serving"):
        cited = ask("How is ten-day VaR obtained from the one-day figure?", finance, index, LLM(url), prompt="v2", k=3)
    assert cited.answer.text and "var-methodology#scaling-to-longer-horizons" in {p.id for p in cited.given}
    (trace,) = tracking.mlflow_client().search_traces(locations=[tracking.experiment("serving")])
    assert {s.name for s in trace.data.spans} == {"ask", "retrieve", "chat"}


def test_a_question_fits_the_context(home, url, finance) -> None:
    text = messages("v2", finance.config.assistant, finance.passages[:6], "What is VaR?")
    assert LLM(url).chat(text, max_tokens=4).completion_tokens > 0


def test_a_second_question_on_the_same_passages_finds_them_in_the_prefix_cache(home, engine, url, finance) -> None:
    if engine != "vllm":
        pytest.skip("llama.cpp does not say how many prompt tokens came out of its cache")
    given = finance.passages[10:16]
    first, second = (
        LLM(url).chat(messages("v2", finance.config.assistant, given, question), max_tokens=2)
        for question in ("What is the limit?", "Who approves it?")
    )
    assert second.cached_tokens > 0.8 * second.prompt_tokens > first.cached_tokens


def test_many_at_once_are_all_answered(home, url) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda i=i: found.append(LLM(url).chat(smoke.HELLO, max_tokens=4 + i % 3).text))
        for i in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12 and all(t.strip() for t in found)
