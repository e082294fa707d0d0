"""A sport's figures, `configs/sports/<code>.yaml`."""

from functools import cache
from typing import Literal

from pydantic import Field

from aipro_ml import resources
from aipro_ml.config.base import Config, parsed
from aipro_ml.enums import BetType, DevigMethod


class EloConfig(Config):
    """Elo parameters of a sport (methods §10)."""

    k: float
    home_advantage: float
    carry: float = Field(ge=0, le=1)
    mean: float = 1500.0
    initial: float = 1500.0
    margin_multiplier: Literal["nfl", "nba", "nhl", "mlb", "soccer", "none"] = "none"
    margin_cap: float | None = None
    draw: float | None = Field(
        default=None, gt=0, description="Three-way: Davidson's weight of a draw; level teams draw draw / (2 + draw)"
    )


class MarginConfig(Config):
    """Spread of final margins and totals around the closing line, in points (methods §5)."""

    margin_sd: float = Field(gt=0)
    total_sd: float = Field(gt=0)
    learn: bool = Field(
        default=False, description="These are starting values: earlier seasons say how far games scatter"
    )


class SportConfig(Config):
    """What a sport needs beside its views; `configs/sports/<code>.yaml`."""

    code: str = Field(max_length=10)
    name: str
    timezone: str = Field(description="Zone whose calendar days name a slate of games")
    duration_minutes: int = Field(gt=0, description="A result is known at kick-off plus this")
    decision_minutes: int = Field(default=1, gt=0, description="Season replays decide this long before kick-off")
    quote_max_age_hours: float = Field(default=24, gt=0)
    burn_in_seasons: int = Field(default=2, ge=0, description="First seasons that only warm up ratings")
    moneyline: Literal["two_way", "three_way"] = Field(
        default="two_way", description="A level score: a push, or a draw that is an outcome of its own"
    )
    regulation: tuple[BetType, ...] = Field(
        default=(), description="Bet types settled on the score of the regulation time; all others count overtime"
    )
    sudden_death: bool = Field(default=False, description="Overtime ends with its first score")
    void_after_hours: float | None = Field(
        default=None, gt=0, description="A bet is void where its game begins so much later than was known when taken"
    )
    like: str | None = Field(default=None, description="Sport whose views it shares: a sport by configuration alone")
    pythagorean_exponent: float
    usual_total: float = Field(default=2.5, gt=0, description="Total most books quote, where goals are counted")
    ewma_slow: float = 0.06
    ewma_fast: float = 0.18
    elo: EloConfig
    margins: MarginConfig
    devig: DevigMethod = DevigMethod.POWER

    @property
    def three_way(self) -> bool:
        """Return whether a moneyline has a draw of its own: then no book is complete without its price."""
        return self.moneyline == "three_way"


@cache
def sport_config(code: str) -> SportConfig:
    """Return the configuration of sport `code` (any letter case)."""
    return parsed(SportConfig, resources.configs_dir() / "sports" / f"{code.lower()}.yaml")
