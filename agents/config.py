"""Settings of the agents room. Which action needs whose approval is in the pack."""

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.settings import read


class AgentSettings(BaseSettings):
    """Frozen; every default has its reason."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    # "yes" or "no" answers for scripts; empty asks the person at the terminal, or leaves the incident waiting.
    approve: str = Field("", validation_alias="APPROVE", pattern="^(|yes|no)$")
    # Who answers: an approval is personal. The login name where nothing is given.
    approver: str = Field("", validation_alias=("APPROVER"))
    # Hours after which an approval is void (approval matrix of the finance pack).
    approval_hours: float = Field(24.0, validation_alias="APPROVAL_HOURS", gt=0)
    # Share of missing values, or of inputs that stand still, that points to the data and not to the model.
    data_error_share: float = Field(0.05, validation_alias="DATA_ERROR_SHARE", gt=0, lt=1)


@cache
def settings() -> AgentSettings:
    """The agent settings of this process."""
    return read(AgentSettings)
