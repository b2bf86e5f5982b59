"""The one client of every LLM in the kit: any OpenAI-compatible endpoint, each call a trace in MLflow.

A trace holds the prompt, the answer, the token counts and the time to first token. A stream that breaks, carries an
error event or ends without a finish reason raises `EngineFailed`: half an answer is never returned as a whole one
(vLLM ends a broken stream with an error event and `[DONE]`, which a naive client takes for success).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from common.errors import EngineFailed, NotReady
from common.settings import settings
from common.tracking import mlflow_client

Message = dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What came back from one call. Times in seconds; `ttft` is the time to the first token of text."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    ttft: float
    seconds: float
    finish_reason: str


class LLM:
    """A model behind an OpenAI-compatible endpoint; the defaults come from the settings."""

    def __init__(self, url: str | None = None, model: str | None = None):
        from openai import OpenAI

        self.url = url or settings().llm_url
        self._client = OpenAI(
            base_url=self.url, api_key=settings().llm_key.get_secret_value(), timeout=300, max_retries=2
        )
        self.model = model or settings().llm_model or self.first_model()

    def first_model(self) -> str:
        """The first model that the endpoint lists. NotReady where nobody answers."""
        import openai

        try:
            return str(self._client.models.list().data[0].id)
        except (openai.APIConnectionError, openai.APIStatusError, IndexError) as error:
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
        Raises EngineFailed on an error, an error event or an unfinished stream.
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
            try:
                answer = self._stream(request, on_text)
            except (openai.OpenAIError, httpx2.HTTPError) as error:  # a stream's transport errors come bare
                raise EngineFailed(f"{self.url}: {error}", "python -m serving status") from error
            trace.set_outputs({"text": answer.text, "finish_reason": answer.finish_reason})
            total = answer.prompt_tokens + answer.completion_tokens
            usage = {
                "input_tokens": answer.prompt_tokens,
                "output_tokens": answer.completion_tokens,
                "total_tokens": total,
            }
            trace.set_attributes({"mlflow.chat.tokenUsage": usage, "ttft_seconds": answer.ttft, "model": self.model})
        return answer

    def _stream(self, request: dict[str, Any], on_text: Callable[[str], None] | None) -> Answer:
        began = time.perf_counter()
        ttft, pieces, finish, usage = 0.0, [], "", None
        for chunk in self._client.chat.completions.create(
            **request, stream=True, stream_options={"include_usage": True}
        ):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                finish = choice.finish_reason or finish
                if choice.delta.content:
                    ttft = ttft or time.perf_counter() - began
                    pieces.append(choice.delta.content)
                    if on_text:
                        on_text(choice.delta.content)
        if not finish:
            raise EngineFailed(
                f"{self.url}: the stream ended before the answer did", "python -m serving status; then ask again"
            )
        prompt, completion = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
        return Answer("".join(pieces), prompt, completion, ttft, time.perf_counter() - began, finish)
