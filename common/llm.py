"""The one client of every LLM in the kit: any OpenAI-compatible endpoint, each call a trace in MLflow.

A trace holds the prompt, the answer, the token counts and the time to first token. A stream that breaks, carries an
error event or ends without a finish reason raises `EngineFailed`: half an answer is never returned as a whole one
(vLLM ends a broken stream with an error event and `[DONE]`, which a naive client takes for success).
"""

import ipaddress
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from common.errors import EngineFailed, NotReady
from common.settings import settings
from common.tracking import mlflow_client

Message = dict[str, str]
# Reasons for which an answer ends whole; vLLM says "abort" for one that a shutdown cut off.
ENDS = {"stop", "length", "tool_calls", "function_call", "content_filter"}
ASKS = 3  # times that a request is asked whose stream broke before it brought anything


def on_this_machine(url: str) -> bool:
    """Whether a URL is of the loopback interface."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Answer:
    """What came back from one call. Times in seconds; `ttft` is the time to the first token.

    cached_tokens: prompt tokens out of the engine's prefix cache, where it says so. logprobs: (token, log probability)
    of each token, where they were asked for; offered: the same of what stood to choose at each place (`top_logprobs`).
    tool_calls: (name, arguments as JSON text). asked: how often it was asked, because an engine fell before the first token.
    trace: id of its trace in MLflow.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int
    ttft: float
    seconds: float
    finish_reason: str
    cached_tokens: int = 0
    logprobs: tuple[tuple[str, float], ...] = ()
    offered: tuple[tuple[tuple[str, float], ...], ...] = ()
    tool_calls: tuple[tuple[str, str], ...] = ()
    asked: int = 1
    trace: str = ""


def choice(*texts: str) -> dict[str, Any]:
    """Options for `chat`: the answer is one of `texts`, exactly."""
    return {"extra_body": {"structured_outputs": {"choice": list(texts)}}}


def regex(pattern: str) -> dict[str, Any]:
    """Options for `chat`: the answer matches a regular expression, whole."""
    return {"extra_body": {"structured_outputs": {"regex": pattern}}}


def json_schema(schema: dict[str, Any], name: str = "answer") -> dict[str, Any]:
    """Options for `chat`: the answer is JSON of a schema."""
    return {"response_format": {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}}


@dataclass
class Parts:
    """What a stream has brought so far. `begun`: something that a reader may have seen."""

    begun: bool = False

    text: list[str] = field(default_factory=list)
    calls: dict[int, list[str]] = field(default_factory=dict)  # place -> [name, arguments]
    logprobs: list[tuple[str, float]] = field(default_factory=list)
    offered: list[tuple[tuple[str, float], ...]] = field(default_factory=list)
    finish: str = ""
    usage: Any = None

    def add(self, choice: Any) -> str:
        """Take in one choice of a chunk; returns its text."""
        self.finish = choice.finish_reason or self.finish
        for call in choice.delta.tool_calls or ():
            kept = self.calls.setdefault(call.index, ["", ""])
            kept[0] = call.function.name or kept[0]
            kept[1] += call.function.arguments or ""
        for token in (choice.logprobs and choice.logprobs.content) or ():
            self.logprobs.append((token.token, token.logprob))
            self.offered.append(tuple((t.token, t.logprob) for t in token.top_logprobs or ()))
        text = choice.delta.content or ""
        self.text.append(text)
        return text


class LLM:
    """A model behind an OpenAI-compatible endpoint; the defaults come from the settings."""

    def __init__(self, url: str | None = None, model: str | None = None, key: str | None = None):
        from openai import DefaultHttpxClient, OpenAI

        self.url = url or settings().llm_url
        self.key = key or settings().llm_key.get_secret_value()
        # what stays on this machine, key and documents, is nobody's proxy's business
        direct = DefaultHttpxClient(trust_env=False) if on_this_machine(self.url) else None
        self._client = OpenAI(base_url=self.url, api_key=self.key, timeout=300, max_retries=2, http_client=direct)
        self.model = model or settings().llm_model or self.first_model()

    def first_model(self) -> str:
        """The first model that the endpoint lists. NotReady where nobody answers."""
        import openai

        try:
            return str(self._client.models.list().data[0].id)
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise NotReady(
                f"{self.url} refuses the key", "LLM_API_KEY=...   (the one that the server was started with)"
            ) from error
        except (openai.OpenAIError, LookupError, TypeError, AttributeError, ValueError) as error:
            # nobody, or something that is no such endpoint
            raise NotReady(
                f"no LLM answers at {self.url} ({type(error).__name__})", "python -m serving up   (or set LLM_URL)"
            ) from error

    def chat(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 64,
        on_text: Callable[[str], None] | None = None,
        span: str = "chat",
        **options: Any,
    ) -> Answer:
        """One streamed chat completion at temperature 0 (unless `options` say otherwise), traced as `span`.

        on_text: called with each piece of text as it arrives. options: passed to the endpoint as they are.
        A stream that breaks before it brought anything is asked again, at most ASKS times in all. Raises EngineFailed on
        an error, an error event or an unfinished stream.
        """
        import httpx2
        import mlflow
        import openai

        mlflow_client()  # traces go to the kit's address, not to a file in the current folder
        request = {
            "model": self.model,
            "messages": list(messages),
            "max_tokens": max_tokens,
            "temperature": 0.0,
        } | options
        with mlflow.start_span(span, span_type="CHAT_MODEL") as trace:
            trace.set_inputs(request)
            asking = request | self._traced(trace, request)
            for asked in range(1, ASKS + 1):
                parts = Parts()
                try:
                    answer = replace(self._stream(asking, parts, on_text), asked=asked, trace=trace.trace_id)
                    break
                except (openai.OpenAIError, httpx2.HTTPError, EngineFailed) as error:
                    # a status is an answer, and OpenAI's client has retried 503 by itself; a reader must not read twice
                    final = parts.begun or isinstance(error, openai.APIStatusError | openai.APITimeoutError)
                    if final or asked == ASKS:
                        raise self._failed(error) from error
                    time.sleep(0.3 * asked)
            trace.set_outputs({"text": answer.text, "finish_reason": answer.finish_reason})
            total = answer.prompt_tokens + answer.completion_tokens
            usage = {
                "input_tokens": answer.prompt_tokens,
                "output_tokens": answer.completion_tokens,
                "total_tokens": total,
            }
            trace.set_attributes({"mlflow.chat.tokenUsage": usage, "ttft_seconds": answer.ttft, "model": self.model})
        return answer

    @staticmethod
    def _traced(trace: Any, request: dict[str, Any]) -> dict[str, Any]:
        """The header that lets the engine's OpenTelemetry spans join this MLflow trace (W3C trace context)."""
        number, span = str(getattr(trace, "trace_id", "")).removeprefix("tr-"), str(getattr(trace, "span_id", ""))
        if len(number) != 32 or len(span) != 16:
            return {}
        return {"extra_headers": {"traceparent": f"00-{number}-{span}-01", **request.get("extra_headers", {})}}

    def _stream(self, request: dict[str, Any], parts: Parts, on_text: Callable[[str], None] | None) -> Answer:
        began = time.perf_counter()
        ttft = 0.0
        for chunk in self._client.chat.completions.create(
            **request, stream=True, stream_options={"include_usage": True}
        ):
            parts.usage = chunk.usage or parts.usage
            for choice in chunk.choices:
                text = parts.add(choice)
                if text or choice.delta.tool_calls:
                    parts.begun = True
                    ttft = ttft or time.perf_counter() - began
                if text and on_text:
                    on_text(text)
        if parts.finish not in ENDS:
            raise EngineFailed(
                f"{self.url}: the stream ended before the answer did", "python -m serving status; then ask again"
            )
        usage = parts.usage
        details = getattr(usage, "prompt_tokens_details", None)
        return Answer(
            text="".join(parts.text),
            prompt_tokens=usage.prompt_tokens if usage else 0,
            completion_tokens=usage.completion_tokens if usage else 0,
            ttft=ttft,
            seconds=time.perf_counter() - began,
            finish_reason=parts.finish,
            cached_tokens=(details and details.cached_tokens) or 0,
            logprobs=tuple(parts.logprobs),
            offered=tuple(parts.offered),
            tool_calls=tuple((name, arguments) for name, arguments in parts.calls.values()),
        )

    def complete(self, prompt: str, *, max_tokens: int = 16, **options: Any) -> Any:
        """One plain completion at temperature 0, as OpenAI's client returns it. Raises EngineFailed."""
        request = {"model": self.model, "prompt": prompt, "max_tokens": max_tokens, "temperature": 0.0} | options
        answer = self._raw(lambda: self._client.completions.create(**request))
        if answer.choices[0].finish_reason not in ENDS:
            raise EngineFailed(f"{self.url}: the answer was cut off", "python -m serving status; then ask again")
        return answer

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Vectors of texts, from an endpoint that serves an encoder. Raises EngineFailed."""
        answer = self._raw(lambda: self._client.embeddings.create(model=self.model, input=list(texts)))
        return [item.embedding for item in answer.data]

    def _raw(self, call: Callable[[], Any]) -> Any:
        import httpx2
        import openai

        try:
            return call()
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> EngineFailed:
        if isinstance(error, EngineFailed):
            return error
        return EngineFailed(f"{self.url}: {error}", "python -m serving status", getattr(error, "status_code", 0))
