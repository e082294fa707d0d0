"""How a backtest bets: configs/backtest.yaml, another file, and what a command asks for instead."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from aipro_ml import resources
from aipro_ml.config import Config, validated
from aipro_ml.enums import CalibrationMethod, Tier


class BacktestConfig(Config):
    """How `aipro backtest run` bets; `configs/backtest.yaml` says it in words."""

    seed: int = 20260101
    decide: Literal["openers"] | Annotated[int, Field(ge=1, le=5_256_000)] | None = Field(
        default=None,
        description="Minutes before kick-off, or openers: when the market is first quoted; None: the sport's",
    )
    latency_seconds: float = Field(default=30, ge=0, le=86_400, description="From the decision until the bet is struck")
    lag_hours: float = Field(default=0, ge=0, le=87_600, description="What the model has not heard of when it decides")
    opener_days: float = Field(
        default=6, gt=0, le=3_650, description="At openers: games without one are learned from so early"
    )
    books: tuple[str, ...] = Field(default=(), description="Where bets may be placed; none named: every book")
    probability: Literal["model", "calibrated", "published"] = "published"
    calibration: CalibrationMethod = CalibrationMethod.AUTO
    calibration_seasons: int = Field(
        default=6, ge=1, description="Seasons before the first that calibrate and blend it"
    )
    tiers: tuple[Tier, ...] = Field(default=(Tier.A, Tier.B, Tier.C, Tier.D), min_length=1)
    bankroll: float = Field(default=10_000, gt=0, le=1e12)
    largest_bet: float | None = Field(default=500, gt=0, description="In the bankroll's currency; None: no limit")
    smallest_bet: float = Field(default=0, ge=0)
    stress: tuple[Annotated[float, Field(ge=0, lt=1)], ...] = (0.01, 0.02, 0.03)
    draws: int = Field(
        default=2000, ge=100, le=1_000_000, description="Bootstrap samples, permutations and drawn results each"
    )
    trials: int = Field(default=0, ge=0, description="Configurations looked at elsewhere, beside those counted here")


def backtest_config(path: Path | None = None, **chosen: Any) -> BacktestConfig:
    """Return the backtest configuration at `path`, or the shipped one; `chosen` that are not None win over the file."""
    place = path or resources.configs_dir() / "backtest.yaml"
    values = {**resources.load_yaml(place), **{name: value for name, value in chosen.items() if value is not None}}
    return validated(BacktestConfig, values, place)
