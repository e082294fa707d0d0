"""Settings of the installation: default < file (`settings.yaml` of the home) < environment < flag."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from aipro_ml import resources
from aipro_ml.enums import Layer
from aipro_ml.errors import UsageError

FILE = "settings.yaml"
"""The file of the home that may set every field but the home itself."""


def default_home() -> Path:
    """Return `.aipro/` in a checkout, otherwise the user's data folder."""
    root = resources.checkout()
    if root is not None:
        return root / ".aipro"
    from platformdirs import user_data_path

    return user_data_path("aipro")


class Override(NamedTuple):
    """A system setting of this call alone, and whether the environment or a flag gave it."""

    value: str
    layer: Layer


class Settings(BaseSettings):
    """Everything an installation may set; each field is also the environment variable `AIPRO_<FIELD>`."""

    model_config = SettingsConfigDict(
        env_prefix="AIPRO_", env_ignore_empty=True, frozen=True, extra="ignore", populate_by_name=True
    )

    home: Path = Field(default_factory=default_home, description="All state of this installation")
    artifacts: Path | None = Field(default=None, description="Models and calibrators")
    profile: Literal["default", "production"] = "default"
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="PostgreSQL to use instead of the embedded one",
    )
    database_owner_url: SecretStr | None = Field(
        default=None, validation_alias="DATABASE_OWNER_URL", description="The owner's login, for migrations"
    )
    database_name: str = "ai_pro_sports"
    mlflow_tracking_uri: str | None = Field(
        default=None, validation_alias="MLFLOW_TRACKING_URI", repr=False, description="Where MLflow keeps its runs"
    )
    odds_api_key: SecretStr | None = Field(default=None, description="Key of The Odds API, for `aipro data fetch`")
    odds_api_url: str = Field(default="https://api.the-odds-api.com", description="Where The Odds API answers")
    nightly: Path | None = Field(default=None, description="What the nightly run and the schedule do (YAML)")
    alert_webhook: SecretStr | None = Field(default=None, description="Address that gets each alert as JSON by POST")
    alert_email_to: str = Field(default="", description="Who gets alerts by e-mail; comma between")
    alert_email_from: str = "aipro@localhost"
    smtp_host: str = "localhost"
    smtp_port: int = Field(default=25, ge=1, le=65535)
    smtp_user: str = ""
    smtp_password: SecretStr | None = None
    smtp_starttls: bool = False
    api_rate_store: SecretStr | None = Field(
        default=None, description="Where the API's processes count rates together, such as redis://host:6379/0"
    )
    api_cors_origins: str = Field(default="", description="Origins whose pages may ask the API; comma between")
    pool_size: int = Field(default=20, ge=1)
    statement_timeout_s: int = Field(default=300, ge=1)
    lock_timeout_s: int = Field(default=10, ge=1)
    secret_key: SecretStr | None = Field(default=None, description="Seals the secrets of second factors")
    secret_key_old: SecretStr | None = Field(
        default=None, description="The key before, until `aipro user rotate-key` sealed what it opens anew"
    )
    access_minutes: int = Field(default=15, ge=1, le=60, description="How long an access token is good")
    refresh_days: int = Field(default=14, ge=1, le=90, description="How long a session may lie unused")
    session_days: int = Field(default=90, ge=1, le=365, description="How long a session may live at all")
    log_json: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    overrides: dict[str, Override] = Field(
        default_factory=dict, exclude=True, repr=False, description="System settings of this call alone, by key"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the layers, the strongest first."""
        home = init_settings().get("home") or env_settings().get("home") or default_home()
        return init_settings, env_settings, InitSettingsSource(settings_cls, in_file(Path(home)))

    @field_validator("home", "artifacts", "nightly")
    @classmethod
    def _absolute(cls, place: Path | None) -> Path | None:
        # the server and MLflow's pages work in folders of their own, where a relative path is another place
        return None if place is None else place.expanduser().absolute()

    @property
    def artifacts_dir(self) -> Path:
        """Return where artifacts land: the setting, else `artifacts/` of a checkout, else under the home."""
        if self.artifacts is not None:
            return self.artifacts
        root = resources.checkout()
        if root is not None and self.home == root / ".aipro":
            return root / "artifacts"
        return self.home / "artifacts"

    @property
    def logs_dir(self) -> Path:
        """Return the folder of log files."""
        return self.home / "logs"

    @property
    def raw_dir(self) -> Path:
        """Return the folder of raw payloads, each named by its hash."""
        return self.home / "raw"

    @property
    def reports_dir(self) -> Path:
        """Return the folder of HTML reports and reject lists."""
        return self.home / "reports"


def load_settings(**flags: Any) -> Settings:
    """Return the settings; `flags` that are not None win over the environment."""
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise UsageError(f"setting {name}: {first['msg']}") from error


def in_file(home: Path) -> dict[str, Any]:
    """Return what `settings.yaml` of the home sets, nothing without one; UsageError for a key it may not set."""
    path = home.expanduser().absolute() / FILE
    if not path.is_file():
        return {}
    found = {name: value for name, value in resources.load_yaml(path).items() if value is not None}
    unknown = sorted(set(found) - (set(Settings.model_fields) - {"home", "overrides"}))
    if unknown:
        raise UsageError(f"{path}, key {unknown[0]}: no setting of a file: see `aipro config show`")
    return found


def variable_of(name: str) -> str:
    """Return the environment variable of a field."""
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"AIPRO_{name.upper()}"


def origins(settings: Settings, flags: Collection[str], environment: Mapping[str, str]) -> dict[str, Layer]:
    """Return which layer each field's value comes from; `flags` are the fields given by a flag."""
    filed = in_file(settings.home)

    def layer(name: str) -> Layer:
        if name in flags:
            return Layer.FLAG
        if environment.get(variable_of(name)):
            return Layer.ENVIRONMENT
        return Layer.FILE if name in filed else Layer.DEFAULT

    return {name: layer(name) for name in Settings.model_fields if name != "overrides"}
