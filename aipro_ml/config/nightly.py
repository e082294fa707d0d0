"""What a night does."""

from pathlib import Path

from pydantic import Field

from aipro_ml import resources
from aipro_ml.config.base import Config, parsed
from aipro_ml.settings import Settings


class NightlySource(Config):
    """Files a night imports, as `aipro data import` takes them."""

    source: str
    places: tuple[str, ...] = Field(min_length=1, description="Files, folders or addresses")
    sport: str | None = None
    season: int | None = None
    mapping: str | None = None


class FeedConfig(Config):
    """What is asked of The Odds API for one sport."""

    sport: str
    markets: tuple[str, ...] = ("h2h", "spreads", "totals")
    regions: tuple[str, ...] = ("us",)


class RetentionConfig(Config):
    """How long what is not needed any more is kept; 0: for ever."""

    raw_days: int = Field(default=400, ge=0, le=36_500, description="Raw payloads that were imported this long ago")
    artifacts_days: int = Field(
        default=180, ge=0, le=36_500, description="Artifacts of models that never spoke, trained then"
    )
    backups: int = Field(default=14, ge=0, description="Backups beside the newest")


def shipped_tasks() -> dict[str, str]:
    """Return the tasks of the shipped plan and their cron expressions, as a plan that names none has them."""
    return dict(resources.load_yaml(resources.configs_dir() / "nightly.yaml")["tasks"])


class NightlyConfig(Config):
    """What the nightly run and the schedule do; `configs/nightly.yaml` says it in words."""

    timezone: str = "America/New_York"
    lead_minutes: int = Field(default=10, ge=0, le=720)
    horizon_hours: float = Field(default=24, gt=0, le=8760)
    deadline_minutes: int = Field(default=30, gt=0, le=1440)
    sports: tuple[str, ...] = ()
    sources: tuple[NightlySource, ...] = ()
    feeds: tuple[FeedConfig, ...] = ()
    close_minutes: int = Field(default=10, gt=0, le=1440)
    source_age_hours: float = Field(default=36, gt=0, le=8760)
    disk_free_gib: float = Field(default=2, ge=0)
    retrain_seasons: int = Field(default=4, ge=1)
    training: Path | None = None
    verify_features: bool = False
    tasks: dict[str, str] = Field(default_factory=shipped_tasks, description="Named at all, it is the whole list")
    retention: RetentionConfig = RetentionConfig()


def nightly_config(settings: Settings) -> NightlyConfig:
    """Return what the night does: AIPRO_NIGHTLY where set, else `nightly.yaml` of the home, else the shipped one."""
    own = settings.home / "nightly.yaml"
    shipped = resources.configs_dir() / "nightly.yaml"
    return parsed(NightlyConfig, settings.nightly or (own if own.is_file() else shipped))
