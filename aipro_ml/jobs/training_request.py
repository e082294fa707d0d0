"""What is asked of a training and what comes of it; a request can be noted with its runs and read back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from aipro_ml.config import TrainingConfig
from aipro_ml.enums import BetType
from aipro_ml.errors import AiproError, UsageError
from aipro_ml.training.leaderboard import LeaderboardRow


@dataclass(frozen=True)
class TrainingRequest:
    """What to train: one sport and bet type, the candidates of a configuration, the seasons to test on.

    `clock` tells when a run ended; without it the run ends at `now`. `training_id` stays the same when the
    training is resumed. `h2o_url`: a running H2O cluster to use instead of one of our own.
    """

    sport: str
    bet_type: BetType
    config: TrainingConfig
    now: datetime
    test_from: int | None = None
    test_to: int | None = None
    decision_minutes: int | None = None
    clock: Callable[[], datetime] | None = None
    h2o_url: str | None = None
    training_id: UUID = field(default_factory=uuid4)

    @property
    def name(self) -> str:
        """Return sport and bet type."""
        return f"{self.sport} {self.bet_type}"

    def ended(self) -> datetime:
        """Return the time a run that ends here ended."""
        return self.now if self.clock is None else self.clock()

    def document(self) -> dict[str, Any]:
        """Return the request as it is noted with its runs."""
        plain = ("sport", "test_from", "test_to", "decision_minutes")
        return {
            "id": str(self.training_id),
            "bet_type": self.bet_type.value,
            "config": self.config.model_dump(mode="json"),
            **{name: getattr(self, name) for name in plain},
        }


def request_of(document: Mapping[str, Any], now: datetime, clock: Callable[[], datetime] | None) -> TrainingRequest:
    """Return the request a `document` is of, asked again at `now`."""
    values = dict(document)
    return TrainingRequest(
        training_id=UUID(values.pop("id")),
        bet_type=BetType(values.pop("bet_type")),
        config=TrainingConfig.model_validate(values.pop("config")),
        now=now,
        clock=clock,
        **{name: values[name] for name in ("sport", "test_from", "test_to", "decision_minutes")},
    )


def only_frameworks(config: TrainingConfig, frameworks: Sequence[str]) -> TrainingConfig:
    """Return the configuration with only the candidates of these frameworks (none named: all)."""
    if not frameworks:
        return config
    kept = {
        bet_type: tuple(model for model in models if model.framework in frameworks)
        for bet_type, models in config.models.items()
    }
    known = sorted({model.framework for models in config.models.values() for model in models})
    if not any(kept.values()):
        raise UsageError(
            f"the training configuration has no candidate of {', '.join(frameworks)}; it has: {', '.join(known)}"
        )
    return config.model_copy(update={"models": kept})


@dataclass(frozen=True)
class TrainedRow:
    """A candidate that was trained and stored; `is_reused`: by an earlier run, found whole and not fitted again."""

    model_id: UUID
    run_id: UUID
    name: str
    framework: str
    folder: Path
    is_new: bool
    is_reused: bool = False


@dataclass(frozen=True)
class FailedRow:
    """A candidate that could not be trained, and why."""

    name: str
    framework: str
    error: AiproError


@dataclass(frozen=True)
class TrainingReport:
    """The leaderboard (one row a model or baseline), the models behind it, and what failed.

    `problem`: why there is no leaderboard at all. `coefficients` of the rows `stack` and `blend`: row, of,
    coefficient, se, n.
    """

    sport: str
    bet_type: BetType
    leaderboard: Sequence[LeaderboardRow]
    models: tuple[TrainedRow, ...]
    data_hash: str
    tracking_problem: str | None = None
    failures: tuple[FailedRow, ...] = ()
    problem: AiproError | None = None
    training_id: UUID | None = None
    coefficients: tuple[Mapping[str, Any], ...] = ()
