"""Framework name to trainer; a framework is one new file and one line here."""

import json
from pathlib import Path

from aipro_ml.betting.settlement import MarketRule, outcomes_of
from aipro_ml.config import ModelConfig
from aipro_ml.enums import BetType, Framework
from aipro_ml.errors import ArtifactError, UsageError
from aipro_ml.training.base import HEADER, TrainedModel, Trainer
from aipro_ml.training.walkforward import Candidate


def trainer_for(framework: str, estimator: str = "") -> Trainer:
    """Return the trainer of `framework` for `estimator`; UsageError where unknown or not installed."""
    if framework == Framework.SKLEARN:
        from aipro_ml.training.sklearn import SklearnTrainer

        return SklearnTrainer(estimator)
    raise UsageError(f"framework {framework}: no trainer for it; there is: {Framework.SKLEARN}")


def load_model(folder: Path) -> TrainedModel:
    """Return the model saved in `folder`, whichever framework wrote it; ArtifactError where it cannot be."""
    header = folder / HEADER
    try:
        framework = str(json.loads(header.read_text(encoding="utf-8"))["framework"])
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactError(f"{header}: not a saved model ({error}); train it again") from error
    return trainer_for(framework).load(folder)


def candidate(config: ModelConfig, bet_type: BetType, seed: int, rule: MarketRule = MarketRule.TWO_WAY) -> Candidate:
    """Return the candidate a training configuration describes, for the outcomes of that market."""
    trainer = trainer_for(config.framework, config.estimator)
    return Candidate(config.name, trainer, outcomes_of(bet_type, rule), config.params, seed)
