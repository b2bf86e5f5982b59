"""One set of tests for the real engines: vLLM and llama.cpp."""

import pytest

from common import tracking
from common.llm import LLM
from domains.prompt import messages
from serving.answer import ask
from serving.vllm import installed as vllm_installed
from serving.retrieval import Index

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session", params=["llamacpp", "vllm"])
def url(request, serve) -> str:
    if request.param == "vllm" and not vllm_installed():
        pytest.skip("vLLM is not installed: make setup-torch")
    return serve(request.param)


def test_a_streamed_answer_with_usage(home, url) -> None:
    answer = LLM(url).chat([{"role": "user", "content": "Say hello."}], max_tokens=12)
    assert answer.text.strip() and 0 < answer.completion_tokens <= 12 and answer.prompt_tokens > 0 and answer.ttft > 0


def test_the_same_prompt_gives_the_same_answer(home, url) -> None:
    llm, prompt = LLM(url), [{"role": "user", "content": "Name one colour."}]
    assert llm.chat(prompt, max_tokens=8).text == llm.chat(prompt, max_tokens=8).text


def test_a_json_schema_is_kept(home, url) -> None:
    import json

    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    }
    shape = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
    answer = LLM(url).chat([{"role": "user", "content": "Reply in JSON."}], max_tokens=40, response_format=shape)
    assert isinstance(json.loads(answer.text)["ok"], bool)


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
