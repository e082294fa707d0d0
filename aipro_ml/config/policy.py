"""How bets are chosen, tiered, staked and limited."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Literal

from pydantic import Field, field_validator

from aipro_ml import resources
from aipro_ml.config.base import Config, overridden, parsed, under
from aipro_ml.enums import Tier


class KellyConfig(Config):
    """Stake sizing (methods §2): fractions of bankroll."""

    fraction: float = Field(default=0.25, gt=0, le=1, description="Share of the full Kelly stake")
    cap: float = Field(default=0.02, gt=0, le=1, description="Most on one bet")
    game_cap: float = Field(default=0.02, gt=0, le=1, description="Most on one game")
    slate_cap: float = Field(default=0.15, gt=0, le=1, description="Most on all games of a run")
    shrink: bool = Field(default=True, description="Less stake the wider the interval of the probability")


class TierThreshold(Config):
    """Least EV and edge of a tier (methods §3)."""

    ev: float = Field(ge=-1, le=10, description="Least expected value of a unit")
    edge: float = Field(ge=-1, le=1, description="Least lead over the fair probability")


class FreshnessConfig(Config):
    """When a game's features count as stale: a result overdue, or a team's last one too long ago in its season."""

    result_delay_hours: float | None = Field(default=None, gt=0, description="After the game's usual end")
    form_max_age_days: dict[str, float] = Field(default_factory=dict, description="By sport; none: no limit")


class PolicyConfig(Config):
    """How a side is chosen and tiered; `configs/policy.yaml`, overridden by `system_settings`."""

    side: Literal["ev", "probability"] = "ev"
    tier_policy: Literal["value", "probability"] = "value"
    tiers: dict[str, TierThreshold]
    probability_tiers: dict[str, float]
    calibration_minimum: int = 200
    kelly: KellyConfig = KellyConfig()
    freshness: FreshnessConfig = FreshnessConfig()


class BetLimits(Config):
    """What may be staked; `configs/bets.yaml` says it in words. Caps are shares of a bankroll."""

    tiers: tuple[Tier, ...] = Field(min_length=1, description="Tiers that may be bet on, such as A,B")
    minimum: Decimal = Field(gt=0, description="Least stake, in the bankroll's currency")
    bet_cap: Decimal = Field(gt=0, le=1, description="Most on one bet")
    game_cap: Decimal = Field(gt=0, le=1, description="Most on all open bets of a game")
    open_cap: Decimal = Field(gt=0, le=1, description="Most on all open bets")

    @field_validator("tiers", mode="before")
    @classmethod
    def _listed(cls, tiers: Any) -> Any:
        return tuple(tier.strip() for tier in tiers.split(",")) if isinstance(tiers, str) else tiers

    def overridden(self, settings: Mapping[str, str]) -> "BetLimits":
        """Return the limits with `settings` keys `bet.<name>` applied; UsageError names one that does not fit."""
        return overridden(self, under(settings, "bet."), "bet.")


@cache
def policy_config() -> PolicyConfig:
    """Return the shipped prediction policy."""
    return parsed(PolicyConfig, resources.configs_dir() / "policy.yaml")


@cache
def bet_limits() -> BetLimits:
    """Return the shipped limits of bets."""
    return parsed(BetLimits, resources.configs_dir() / "bets.yaml")
