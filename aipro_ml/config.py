"""Frozen configuration values, read from `configs/`, and the settings of the installation."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from aipro_ml import resources
from aipro_ml.enums import BetType, DevigMethod, Tier
from aipro_ml.errors import UsageError
from aipro_ml.settings import Settings as Settings  # noqa: PLC0414 - asked for here
from aipro_ml.settings import default_home as default_home  # noqa: PLC0414 - asked for here
from aipro_ml.settings import load_settings as load_settings  # noqa: PLC0414 - asked for here


class Config(BaseModel):
    """A frozen configuration value; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


C = TypeVar("C", bound=Config)


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


class KellyConfig(Config):
    """Stake sizing (methods §2): fractions of bankroll."""

    fraction: float = Field(default=0.25, gt=0, le=1)
    cap: float = Field(default=0.02, gt=0, le=1)
    game_cap: float = Field(default=0.02, gt=0, le=1)
    slate_cap: float = Field(default=0.15, gt=0, le=1)
    shrink: bool = Field(default=True, description="Less stake the wider the interval of the probability")


class TierThreshold(Config):
    """Least EV and edge of a tier (methods §3)."""

    ev: float
    edge: float


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


FeatureGroup = Literal["market_free", "market", "all"]


class SearchRecord(Config):
    """How a candidate's parameters were found: the more trials, the more the best of them flatters itself."""

    study: str
    trials: int = Field(ge=1, description="All that were begun and ended, pruned and failed ones included")
    pruned: int = Field(default=0, ge=0)
    failed: int = Field(default=0, ge=0)
    log_loss: float = Field(description="Walk-forward log loss on `seasons`, the least of all trials")
    seasons: tuple[int, ...] = Field(description="Seasons it was chosen on, all before the first test season")


class ModelConfig(Config):
    """One candidate of a training configuration."""

    name: str
    framework: str
    estimator: str
    features: FeatureGroup = "market_free"
    params: dict[str, Any] = Field(default_factory=dict)
    # left out of dumps while unset: a model's identity derives from them
    search: SearchRecord | None = Field(default=None, exclude_if=lambda found: found is None)


class TrainingConfig(Config):
    """What `aipro train run` trains; `configs/training/<name>.yaml`."""

    seed: int = 20260101
    train_from: int | None = Field(default=None, description="First training season; default after burn-in")
    min_train_seasons: int = Field(default=1, ge=1)
    stack: bool = Field(default=False, description="Also a model `stack` that pools the candidates, where two or more")
    models: dict[BetType, tuple[ModelConfig, ...]]


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

    raw_days: int = Field(default=400, ge=0, description="Raw payloads that were imported this long ago")
    artifacts_days: int = Field(default=180, ge=0, description="Artifacts of models that never spoke, trained then")
    backups: int = Field(default=14, ge=0, description="Backups beside the newest")


class NightlyConfig(Config):
    """What the nightly run and the schedule do; `configs/nightly.yaml` says it in words."""

    timezone: str = "America/New_York"
    lead_minutes: int = Field(default=10, ge=0, le=720)
    horizon_hours: float = Field(default=24, gt=0)
    deadline_minutes: int = Field(default=30, gt=0)
    sports: tuple[str, ...] = ()
    sources: tuple[NightlySource, ...] = ()
    feeds: tuple[FeedConfig, ...] = ()
    close_minutes: int = Field(default=10, gt=0)
    source_age_hours: float = Field(default=36, gt=0)
    disk_free_gib: float = Field(default=2, ge=0)
    retrain_seasons: int = Field(default=4, ge=1)
    training: Path | None = None
    verify_features: bool = False
    tasks: dict[str, str]
    retention: RetentionConfig = RetentionConfig()


class SpanSpace(Config):
    """A number looked for between `low` and `high` (both included), on a logarithmic scale where `log`."""

    type: Literal["float", "int"]
    low: float
    high: float
    log: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high or (self.log and self.low <= 0):
            raise ValueError("low must not exceed high, and must be positive where log is true")
        if self.type == "int" and not (self.low.is_integer() and self.high.is_integer()):
            raise ValueError("low and high of an int must be whole numbers")
        return self


class ChoiceSpace(Config):
    """A value looked for among `choices`."""

    type: Literal["categorical"]
    choices: tuple[str | int | float | bool | None, ...] = Field(min_length=1)


class SearchConfig(Config):
    """Where `aipro train search` looks for parameters; `configs/search/<name>.yaml`.

    A key `features` in `space` chooses the candidate's feature group.
    """

    framework: str
    estimator: str
    features: FeatureGroup = "market_free"
    params: dict[str, Any] = Field(default_factory=dict, description="Parameters that stay as they are")
    space: dict[str, Annotated[SpanSpace | ChoiceSpace, Field(discriminator="type")]] = Field(min_length=1)
    start: tuple[dict[str, Any], ...] = Field(default=(), description="Points of the space that are tried first")
    seed: int = 20260101
    seasons: int = Field(default=6, ge=1, description="Last seasons before the first test season to judge on")
    min_train_seasons: int = Field(default=3, ge=1)
    startup: int = Field(default=10, ge=1, description="Random trials before the sampler learns from them")


class GateConfig(Config):
    """What a model must show to be promoted, for one sport and bet type; `configs/gates.yaml` says it in words.

    Epsilons are in nats. `skill_sd` None: no skill of the model's own is asked for.
    """

    epsilon_published: float = Field(ge=0)
    epsilon_model: float = Field(ge=0)
    min_games: int = Field(ge=1)
    min_published: int = Field(ge=1)
    skill_sd: float | None = Field(ge=0)
    slope_z: float = Field(gt=0)
    leak_warning_se: float = Field(gt=0)
    leak_alarm_se: float = Field(gt=0)
    label_agreement: float = Field(gt=0, le=1)
    feature_auc_sd: float = Field(ge=0)
    shadow_days: float = Field(ge=0)
    shadow_predictions: int = Field(ge=0)


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
            name.removeprefix(prefix): _setting(value)
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


class BetLimits(Config):
    """What may be staked; `configs/bets.yaml` says it in words. Caps are shares of a bankroll."""

    tiers: tuple[Tier, ...] = Field(min_length=1)
    minimum: Decimal = Field(gt=0)
    bet_cap: Decimal = Field(gt=0, le=1)
    game_cap: Decimal = Field(gt=0, le=1)
    open_cap: Decimal = Field(gt=0, le=1)

    @field_validator("tiers", mode="before")
    @classmethod
    def _listed(cls, tiers: Any) -> Any:
        return tuple(tier.strip() for tier in tiers.split(",")) if isinstance(tiers, str) else tiers

    def overridden(self, settings: Mapping[str, str]) -> "BetLimits":
        """Return the limits with `settings` keys `bet.<name>` applied; UsageError names one that does not fit."""
        stored = {name.removeprefix("bet."): value for name, value in settings.items() if name.startswith("bet.")}
        try:
            return BetLimits.model_validate({**self.model_dump(), **stored})
        except ValidationError as error:
            first = error.errors()[0]
            raise UsageError(f"system setting bet.{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _setting(value: str) -> str | None:
    return None if value.strip().lower() in {"null", "none", ""} else value


def _parse(kind: type[C], path: Path) -> C:
    return validated(kind, resources.load_yaml(path), path)


def validated(kind: type[C], values: Mapping[str, Any], path: Path) -> C:
    """Return the configuration that `values` of the file `path` describe; UsageError names a key that does not fit."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(f"{path}, key {place}: {first['msg']}") from error


@cache
def sport_config(code: str) -> SportConfig:
    """Return the configuration of sport `code` (any letter case)."""
    return _parse(SportConfig, resources.configs_dir() / "sports" / f"{code.lower()}.yaml")


@cache
def policy_config() -> PolicyConfig:
    """Return the shipped prediction policy."""
    return _parse(PolicyConfig, resources.configs_dir() / "policy.yaml")


@cache
def gates_config() -> GatesConfig:
    """Return the shipped promotion gates."""
    return _parse(GatesConfig, resources.configs_dir() / "gates.yaml")


@cache
def bet_limits() -> BetLimits:
    """Return the shipped limits of bets."""
    return _parse(BetLimits, resources.configs_dir() / "bets.yaml")


def training_config(path: Path | None = None) -> TrainingConfig:
    """Return the training configuration at `path`, or the shipped default."""
    return _parse(TrainingConfig, path or resources.configs_dir() / "training" / "default.yaml")


def nightly_config(settings: Settings) -> NightlyConfig:
    """Return what the night does: AIPRO_NIGHTLY where set, else `nightly.yaml` of the home, else the shipped one."""
    own = settings.home / "nightly.yaml"
    shipped = resources.configs_dir() / "nightly.yaml"
    return _parse(NightlyConfig, settings.nightly or (own if own.is_file() else shipped))


def search_config(named: str) -> tuple[str, SearchConfig]:
    """Return name and space of the shipped search configuration `named`, or of the YAML file at that path."""
    shipped = resources.configs_dir() / "search" / f"{named}.yaml"
    path = shipped if "/" not in named and shipped.is_file() else Path(named)
    if not path.is_file():
        there = ", ".join(sorted(each.stem for each in shipped.parent.glob("*.yaml")))
        raise UsageError(f"search configuration {named!r}: no such file, and none shipped; shipped are: {there}")
    return path.stem, _parse(SearchConfig, path)
