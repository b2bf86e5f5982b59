"""Settings that all rooms share. Each room adds a `config.py` of the same form; nothing else reads the environment.

Environment: names in capitals below; a file `.env` is not read, so a key cannot end up in a repository by habit.
"""

from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.errors import BadInput

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Frozen; `settings()` returns the one instance of a process."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    # Run-time state: MLflow's SQLite, the model store, reports. Beside the code, so that deleting it resets all.
    home: Path = Field(ROOT / ".fieldkit", validation_alias="FIELDKIT_HOME")
    # The domain pack: a name under domains/ or a folder of the user's.
    domain: str = Field("finance", validation_alias="DOMAIN")
    # Where runs are logged. Traces and the registry are MLflow's in both cases: W&B has neither offline.
    tracker: Literal["mlflow", "wandb"] = Field("mlflow", validation_alias="TRACKER")
    # Empty means SQLite under `home`: no server to start, and `mlflow ui` reads it.
    mlflow_uri: str = Field("", validation_alias="MLFLOW_TRACKING_URI")
    # Any OpenAI-compatible endpoint; the default is where `python -m serving up` listens.
    llm_url: str = Field("http://127.0.0.1:8711/v1", validation_alias="LLM_URL")
    # The name the endpoint knows the model by; empty means the first that it lists.
    llm_model: str = Field("", validation_alias="LLM_MODEL")
    # vLLM and llama.cpp take any key when none is set on the server.
    llm_key: SecretStr = Field(SecretStr("none"), validation_alias="LLM_API_KEY")

    @field_validator("home")
    @classmethod
    def absolute(cls, home: Path) -> Path:
        """Relative paths and ~ mean what they mean to the person who wrote them."""
        return home.expanduser().resolve()

    @property
    def has_key(self) -> bool:
        """Whether LLM_API_KEY is one: "none" is what clients send where there is none."""
        return self.llm_key.get_secret_value() not in ("", "none")

    @property
    def tracking_uri(self) -> str:
        """MLflow's tracking and registry address."""
        return self.mlflow_uri or f"sqlite:///{self.home / 'mlflow.db'}"

    @property
    def reports(self) -> Path:
        """Folder of the pictures and pages that the demos write; made on first use."""
        return self.folder("reports")

    def folder(self, name: str) -> Path:
        """A folder under `home`, made on first use."""
        path = self.home / name
        path.mkdir(parents=True, exist_ok=True)
        return path


Form = TypeVar("Form", bound=BaseSettings)


def read(form: type[Form]) -> Form:
    """Settings out of the environment; BadInput names the variable that is wrong."""
    try:
        return form()
    except ValidationError as error:
        wrong = "; ".join(f"{e['loc'][0]}={e['input']!r}: {e['msg']}" for e in error.errors())
        raise BadInput(
            f"a setting is wrong: {wrong}", f"unset {error.errors()[0]['loc'][0]}, or give it a value as above"
        ) from error


@cache
def settings() -> Settings:
    """The settings of this process."""
    return read(Settings)
