"""From when on a component does not count as healthy."""

from collections.abc import Mapping

from pydantic import Field

from aipro_ml.config.base import Config, overridden, under
from aipro_ml.config.nightly import NightlyConfig


class HealthLimits(Config):
    """What health and the night's deadline are held against; the plan of the nights has three of them too."""

    source_age_hours: float = Field(default=36, gt=0, le=8760, description="Oldest newest quote with games ahead")
    disk_free_gib: float = Field(default=2, ge=0, description="Least free disk where AIPRO_HOME lies")
    deadline_minutes: int = Field(default=30, gt=0, le=1440, description="From the decision to the predictions")
    connections_share: float = Field(default=0.9, gt=0, le=1, description="Most of the server's connections in use")


SPORT_LIMITS = ("source_age_hours",)
"""Limits a sport may have of its own: `health.<SPORT>.<name>`."""


def planned_limits(plan: NightlyConfig) -> HealthLimits:
    """Return the limits as the plan of the nights has them."""
    return HealthLimits(**{name: getattr(plan, name) for name in HealthLimits.model_fields if hasattr(plan, name)})


def health_limits(plan: NightlyConfig, settings: Mapping[str, str], sport: str | None = None) -> HealthLimits:
    """Return the plan's limits with `settings` keys `health.<name>`, then `health.<SPORT>.<name>`, applied.

    UsageError names a key whose value does not fit.
    """
    stored = {name: value for name, value in under(settings, "health.").items() if "." not in name}
    limits = overridden(planned_limits(plan), stored, "health.")
    if sport is None:
        return limits
    own = f"health.{sport}."
    return overridden(limits, under(settings, own), own)
