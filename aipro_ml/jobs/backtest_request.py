"""What is asked of a backtest: who bets on which market of which seasons, and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aipro_ml.config import ModelConfig, TrainingConfig
from aipro_ml.enums import BetType
from aipro_ml.errors import UsageError
from aipro_ml.evaluation.backtest_config import BacktestConfig
from aipro_ml.identity import content_hash


@dataclass(frozen=True)
class BacktestRequest:
    """Which seasons (`first` to `last`) of which bet types, decided by whom.

    `candidate`: one of the training configuration, fitted walk-forward. `models` instead: ids, or how they begin, of
    stored models whose out-of-fold probabilities speak. `now` stamps the journal of trials and nothing else.
    """

    sport: str
    bet_types: tuple[BetType, ...]
    first: int
    last: int
    now: datetime
    config: BacktestConfig
    training: TrainingConfig
    candidate: str | None = None
    models: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.candidate) == bool(self.models):
            raise UsageError("say who decides: either --candidate, of the training configuration, or --model")
        if self.first > self.last:
            raise UsageError(f"seasons {self.first} to {self.last}: the first comes after the last")

    @property
    def who(self) -> str:
        """Return who decides, in words."""
        return self.candidate or f"stored model {', '.join(self.models)}"

    def model_config(self, bet_type: BetType) -> ModelConfig:
        """Return the candidate of this bet type; UsageError names those there are."""
        configured = self.training.models.get(bet_type, ())
        found = next((each for each in configured if each.name == self.candidate), None)
        if found is None:
            known = ", ".join(each.name for each in configured) or "none"
            raise UsageError(f"candidate {self.candidate!r} for {bet_type}: the training configuration has {known}")
        return found

    def document(self, voices: Mapping[str, Any]) -> dict[str, Any]:
        """Return the request as it is noted with its results; `voices`: who speaks, by bet type."""
        return {
            "sport": self.sport,
            "bet_types": sorted(bet_type.value for bet_type in self.bet_types),
            "first": self.first,
            "last": self.last,
            "config": self.config.model_dump(mode="json", exclude={"trials"}),
            "training_seed": self.training.seed,
            "voices": dict(voices),
        }


def trial_id(document: Mapping[str, Any]) -> str:
    """Return the hash (64 hex digits) by which the same question asked again is known."""
    return content_hash(document)
