"""The opt-outs of every library we use, set before the library is imported. Standard library only.

Promise: with these set, no library of the kit phones home or reaches for a hub by itself. A value that the user
has set already is kept. What this does not do: forbid connections (see `common.isolation`).
"""

import os

SWITCHES: dict[str, str] = {
    # several libraries honour this one; MLflow, Evidently and vLLM among them
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # the collector that the engine's spans go to (OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) would get our traces, prompts and all, instead of MLflow
    "MLFLOW_ENABLE_OTLP_EXPORTER": "false",
    "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
    "DEEPEVAL_UPDATE_WARNING_OPT_IN": "0",
    # deepeval would read keys from any .env file in sight
    "DEEPEVAL_DISABLE_DOTENV": "1",
    # exactly "YES" and exactly "true": other spellings do not count in these two
    "DEEPTEAM_TELEMETRY_OPT_OUT": "YES",
    "RAGAS_DO_NOT_TRACK": "true",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "CREWAI_DISABLE_VERSION_CHECK": "true",
    "LANGSMITH_TRACING": "false",
    # checkpoints hold plain data only; refuse to rebuild any other type out of the database
    "LANGGRAPH_STRICT_MSGPACK": "true",
    "VLLM_NO_USAGE_STATS": "1",
    # official builds report by default, on Linux too (its Privacy.md); read when it is first imported
    "ORT_DISABLE_TELEMETRY": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    # the model store lifts these two for the one download that the user asked for
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
    "WANDB_ERROR_REPORTING": "false",
    # quiet and deterministic rather than private
    "TOKENIZERS_PARALLELISM": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}


def apply() -> None:
    """Set every switch that the user has not set."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
