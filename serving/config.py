"""Settings of the serving room."""

from functools import cache
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.settings import read


class ServingSettings(BaseSettings):
    """Frozen; every default has its reason."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    # auto: vLLM where it is installed, else llama.cpp. remote: the endpoint in LLM_URL. echo: a fake that says so.
    engine: Literal["auto", "vllm", "llamacpp", "remote", "echo"] = Field("auto", validation_alias="ENGINE")
    # A name of the model store, a path or a hub id; empty means the packaged SmolLM2 in the engine's format.
    model: str = Field("", validation_alias="MODEL")
    # generate: chat and completions. embed: /v1/embeddings by vLLM's pooling (MODEL=minilm-torch, or any encoder).
    task: Literal["generate", "embed"] = Field("generate", validation_alias="TASK")
    # LoRA adapters beside the model, `name=folder,name=folder`; asked for by name. vLLM only.
    lora: str = Field("", validation_alias="LORA")
    # The port that `common.settings.llm_url` points at.
    port: int = Field(8711, validation_alias="SERVING_PORT", ge=1, le=65535)
    # Processor threads of an engine on a CPU; 0 takes all cores. Two engines on one machine must share them.
    threads: int = Field(0, validation_alias="THREADS", ge=0)
    # Prompt and answer together. The packs' prompts need under 1,000 tokens; memory grows with it.
    max_model_len: int = Field(2048, validation_alias="MAX_MODEL_LEN", ge=64)
    # Concurrent sequences: on two cores the tokens per second grow up to about 16 (vLLM) and hardly beyond.
    max_num_seqs: int = Field(16, validation_alias="MAX_NUM_SEQS", ge=1)
    # Requests that may run and wait together (vLLM counts both); the next one is told to come back later.
    max_num_requests: int = Field(64, validation_alias="MAX_NUM_REQUESTS", ge=1)
    # GiB of key-value cache on CPU: 16 sequences of 2,048 tokens of SmolLM2 in float32 need 1.4, few are that long.
    kv_cache_gib: int = Field(1, validation_alias="KV_CACHE_GIB", ge=1)
    # Seconds until a start counts as failed. A cold vLLM on two busy cores took 122 s here.
    start_timeout: int = Field(400, validation_alias="START_TIMEOUT", ge=1)
    # Seconds that a request in flight gets to finish after SIGTERM (vLLM's own default, 0, cuts it off).
    drain_seconds: int = Field(20, validation_alias="DRAIN_SECONDS", ge=0)
    # Times that a crashed engine is started again before we give up: a fault that comes back is for a person.
    max_restarts: int = Field(3, validation_alias="MAX_RESTARTS", ge=0)
    # Compile the model on a CPU, too: 10 to 26 % faster, and a start of 105 s instead of 22 (make bench-serving).
    compile: bool = Field(False, validation_alias="COMPILE")
    # What an overloaded engine's 503 tells clients to wait, in seconds: about one answer of 64 tokens at 16 streams.
    retry_after: int = Field(2, validation_alias="RETRY_AFTER", ge=1)
    # Largest request body, in KiB: a prompt of 2,048 tokens has about 10.
    max_body_kib: int = Field(1024, validation_alias="MAX_BODY_KIB", ge=1)
    # Seconds between two words of the echo engine, for tests that need a slow answer.
    echo_pace: float = Field(0.0, validation_alias="ECHO_PACE", ge=0)
    # Where vLLM sends its OpenTelemetry spans, e.g. http://127.0.0.1:4318/v1/traces; empty sends none.
    traces: str = Field("", validation_alias="OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    # Version of the assistant's prompt, see domains/prompt.py.
    prompt: str = Field("v2", validation_alias="PROMPT")
    # Passages given to the model: the proving one is among the first three for most questions (see bench-serving).
    top_k: int = Field(3, validation_alias="TOP_K", ge=1)

    def environment(self) -> dict[str, str]:
        """These settings as environment variables, for the processes that serve under them."""
        return {
            str(field.validation_alias): str(getattr(self, name)) for name, field in type(self).model_fields.items()
        }


@cache
def settings() -> ServingSettings:
    """The serving settings of this process."""
    return read(ServingSettings)
