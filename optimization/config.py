"""Settings of the optimization room."""

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.settings import read


class OptimizationSettings(BaseSettings):
    """Frozen; every default has its reason."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    # Seeds of every random choice: a second run gives the same model.
    seed: int = Field(0, validation_alias="SEED")
    # Share of the pack's own benign prompts that the guard may flag: what its users would notice.
    false_alarm_rate: float = Field(0.01, validation_alias="FALSE_ALARM_RATE", gt=0, lt=1)


@cache
def settings() -> OptimizationSettings:
    """The optimization settings of this process."""
    return read(OptimizationSettings)
