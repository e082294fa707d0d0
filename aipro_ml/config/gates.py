"""What a model must show to be promoted."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import Field, ValidationError

from aipro_ml import resources
from aipro_ml.config.base import Config, parsed, setting
from aipro_ml.enums import BetType
from aipro_ml.errors import UsageError


class GateConfig(Config):
    """What a model must show to be promoted, for one sport and bet type; `configs/gates.yaml` says it in words.

    Epsilons are in nats. `skill_sd` None: no skill of the model's own is asked for.
    """

    epsilon_published: float = Field(ge=0, description="Nats the published probability may be behind the market")
    epsilon_model: float = Field(ge=0, description="Nats the model alone may be behind the market")
    min_games: int = Field(ge=1, description="Least out-of-fold games with a market probability")
    min_published: int = Field(ge=1, description="Least of these with a published walk-forward probability")
    skill_sd: float | None = Field(
        ge=0, description="AUC above one half in deviations of no skill; null: not asked for"
    )
    slope_z: float = Field(gt=0, description="Half width of the calibration slope's interval in standard errors")
    leak_warning_se: float = Field(gt=0, description="Standard errors ahead of the market that are said")
    leak_alarm_se: float = Field(gt=0, description="Standard errors ahead of the market that are a leak")
    label_agreement: float = Field(gt=0, le=1, description="Share of labels today's scores still give")
    feature_auc_sd: float = Field(ge=0, description="Deviations of a market-free feature's AUC that are said")
    shadow_days: float = Field(ge=0, description="Days beside a champion that publishes live")
    shadow_predictions: int = Field(ge=0, description="Live predictions in them")


class GatesConfig(Config):
    """The gates of every sport and bet type: the default, and what differs from it."""

    default: GateConfig
    bet_types: dict[BetType, dict[str, Any]] = Field(default_factory=dict)
    sports: dict[str, dict[BetType, dict[str, Any]]] = Field(default_factory=dict)

    def gate(self, sport: str, bet_type: BetType, settings: Mapping[str, str] | None = None) -> GateConfig:
        """Return the gate of a sport's bet type; `settings` keys `gate.<SPORT>.<bet_type>.<name>` come last.

        UsageError names a key that is no gate's, or a value that does not fit.
        """
        prefix = f"gate.{sport}.{bet_type}."
        stored = {
            name.removeprefix(prefix): setting(value)
            for name, value in (settings or {}).items()
            if name.startswith(prefix)
        }
        own = self.sports.get(sport, {}).get(bet_type, {})
        try:
            return GateConfig.model_validate(
                {**self.default.model_dump(), **self.bet_types.get(bet_type, {}), **own, **stored}
            )
        except ValidationError as error:
            first = error.errors()[0]
            raise UsageError(
                f"gate of {sport} {bet_type}, {'.'.join(map(str, first['loc']))}: {first['msg']}"
            ) from error


@cache
def gates_config() -> GatesConfig:
    """Return the shipped promotion gates."""
    return parsed(GatesConfig, resources.configs_dir() / "gates.yaml")
