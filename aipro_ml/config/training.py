"""What to train, and where to search for parameters."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from aipro_ml import resources
from aipro_ml.config.base import Config, parsed
from aipro_ml.enums import BetType
from aipro_ml.errors import UsageError

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


def training_config(path: Path | None = None) -> TrainingConfig:
    """Return the training configuration at `path`, or the shipped default."""
    return parsed(TrainingConfig, path or resources.configs_dir() / "training" / "default.yaml")


def search_config(named: str) -> tuple[str, SearchConfig]:
    """Return name and space of the shipped search configuration `named`, or of the YAML file at that path."""
    shipped = resources.configs_dir() / "search" / f"{named}.yaml"
    path = shipped if "/" not in named and shipped.is_file() else Path(named)
    if not path.is_file():
        there = ", ".join(sorted(each.stem for each in shipped.parent.glob("*.yaml")))
        raise UsageError(f"search configuration {named!r}: no such file, and none shipped; shipped are: {there}")
    return path.stem, parsed(SearchConfig, path)
