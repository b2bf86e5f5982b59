"""Settings of the monitoring room. What belongs to a model (windows, tolerance, costs) is in its pack instead."""

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.settings import read


class MonitoringSettings(BaseSettings):
    """Frozen; every default has its reason."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    # Bootstrap resamples a window: 1,000 put the ends of a 95 % interval within about a tenth of its half-width.
    resamples: int = Field(1000, validation_alias="RESAMPLES", ge=100)
    # HTML only for windows that alarm: Evidently's page is 4 MB each.
    html_for: str = Field("alarms", validation_alias="HTML_FOR", pattern="^(alarms|all|none)$")


@cache
def settings() -> MonitoringSettings:
    """The monitoring settings of this process."""
    return read(MonitoringSettings)
