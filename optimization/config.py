"""Settings of the optimization room."""

from functools import cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.settings import read


class OptimizationSettings(BaseSettings):
    """Frozen; every default has its reason."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    # Seeds of every random choice: a second run gives the same model.
    seed: int = Field(0, validation_alias="SEED")
    # Your own benign traffic, one text a line: joins the pack's questions when a detector's threshold is set. None is shipped.
    benign: Path | None = Field(None, validation_alias="BENIGN")
    # Version of the bundles that are built: the far machine refuses an older one than it has.
    version: str = Field(
        "1.0.0", validation_alias="BUNDLE_VERSION", pattern=r"^(0|[1-9]\d{0,8})(\.(0|[1-9]\d{0,8})){2}$"
    )


@cache
def settings() -> OptimizationSettings:
    """The optimization settings of this process."""
    return read(OptimizationSettings)
