"""The one door to AutoGluon: its trainer, its model, and the private place both work in."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.enums import Framework, Selection
from aipro_ml.errors import AiproError, ArtifactError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.arrays import model_columns, outcome_classes, row_weights
from aipro_ml.training.autogluon_folds import STRATEGIES, folds_fitted
from aipro_ml.training.autogluon_quiet import quiet
from aipro_ml.training.autogluon_settings import AutoGluonSettings, autogluon_settings, unrepeatable
from aipro_ml.training.base import Probabilities
from aipro_ml.training.header import ModelHeader, read_header, write_header
from aipro_ml.training.importance import sample_rows, shuffled_importance
from aipro_ml.training.splits import inner_folds

LIBRARY = "autogluon.tabular"
PREDICTOR = "predictor"
"""The subfolder of a saved model that AutoGluon wrote."""

_LABEL, _WEIGHT = "aipro_outcome", "aipro_weight"


@dataclass(frozen=True)
class _Sample:
    """Training rows an importance is measured on, with the classes (n,) they ended in."""

    X: pd.DataFrame
    classes: npt.NDArray[np.int64]
    seed: int


@dataclass(frozen=True)
class AutoGluonModel:
    """A fitted predictor; `place` holds its files, `seen` training rows or the importance measured on them."""

    outcomes: tuple[Selection, ...]
    feature_names: tuple[str, ...]
    estimator: str
    predictor: Any
    place: "Path | tempfile.TemporaryDirectory[str]"
    seen: _Sample | pd.Series

    def predict_proba(self, X: pd.DataFrame) -> Probabilities:
        """Return probabilities (n, k) for rows of X; columns are matched by name, in any order."""
        rows = model_columns(X, self.feature_names).reset_index(drop=True)
        if rows.empty:
            return np.empty((0, len(self.outcomes)))
        with quiet():
            raw = self.predictor.predict_proba(rows, as_pandas=False, as_multiclass=True)
        p = np.clip(np.asarray(raw, dtype=np.float64), 1e-9, 1.0)  # float32 inside: its rows sum to one only nearly
        return np.asarray(p / p.sum(axis=1, keepdims=True), dtype=np.float64)

    def feature_importance(self) -> pd.Series:
        """Return the permutation importance of every feature on a fixed sample of training rows, in nats."""
        return self._importance

    @cached_property
    def _importance(self) -> pd.Series:
        if isinstance(self.seen, pd.Series):
            return self.seen
        return shuffled_importance(self.predict_proba, self.seen.X, self.seen.classes, self.seen.seed)

    def contributions(self, X: pd.DataFrame) -> tuple[pd.DataFrame, npt.NDArray[np.float64]] | None:
        """Return LightGBM's exact contributions where it is the one model of two outcomes, else None."""
        if self.estimator != "gbm" or len(self.outcomes) > 2:
            return None
        rows = model_columns(X, self.feature_names)
        contributions = pd.DataFrame(0.0, index=X.index, columns=list(self.feature_names))
        if rows.empty:
            return contributions, np.empty(0)
        used, found = _booster_contributions(self.predictor, rows.reset_index(drop=True))
        contributions[used] = -found[:, :-1]  # the booster's class 1 is the second outcome
        return contributions, -found[:, -1]

    def save(self, path: Path) -> None:
        """Write the deployment clone (what predicting needs, nothing else) and the header into `path`."""
        facts = {"importance": {name: float(value) for name, value in self._importance.items()}}
        path.mkdir(parents=True, exist_ok=True)
        with quiet():
            if isinstance(self.place, Path):
                shutil.copytree(self.place, path / PREDICTOR)
            else:
                self.predictor.clone_for_deployment(str(path / PREDICTOR))
        header = ModelHeader(Framework.AUTOGLUON, self.estimator, LIBRARY, self.outcomes, self.feature_names, facts)
        write_header(path, header)


@dataclass(frozen=True)
class AutoGluonTrainer:
    """Fits and loads AutoGluon's tabular models; `estimator` is `ensemble` or one of them alone."""

    framework: ClassVar[Framework] = Framework.AUTOGLUON
    estimator: str = "ensemble"

    def fit(
        self, matrix: FeatureMatrix, outcomes: tuple[Selection, ...], params: Mapping[str, Any], seed: int
    ) -> AutoGluonModel:
        """Fit on every row of `matrix`; models are weighed on forward-only folds and then fitted on everything.

        UsageError where rows, labels or parameters do not allow it, AiproError where AutoGluon gives up.
        """
        settings = autogluon_settings(self.estimator, params)
        classes = outcome_classes(matrix, outcomes)
        place = tempfile.TemporaryDirectory(prefix="aipro-autogluon-", ignore_cleanup_errors=True)
        try:
            with quiet(), folds_fitted(settings.fold_fitting):
                predictor = _fitted(matrix, classes, settings, Path(place.name) / PREDICTOR, seed)
        except AiproError:
            place.cleanup()
            raise
        except Exception as error:  # what its models and their libraries raise is open
            place.cleanup()
            raise AiproError(f"AutoGluon could not fit: {type(error).__name__}: {error}") from error
        except BaseException:
            place.cleanup()
            raise
        rows = sample_rows(len(classes), seed)
        sample = _Sample(matrix.X.iloc[rows].astype("float64"), classes[rows], seed)
        return AutoGluonModel(outcomes, matrix.feature_names, self.estimator, predictor, place, sample)

    def repeatable(self, params: Mapping[str, Any]) -> str | None:
        """Return None where one seed gives equal bits; a time limit or several threads do not."""
        return unrepeatable(autogluon_settings(self.estimator, params))

    def load(self, path: Path) -> AutoGluonModel:
        """Return the model in folder `path`, held in memory; ArtifactError: missing, damaged or of another release."""
        header = read_header(path, exact=True)
        place = path / PREDICTOR
        try:
            importance = pd.Series(header.facts["importance"], dtype="float64").reindex(list(header.feature_names))
            with quiet():
                from autogluon.tabular import TabularPredictor

                predictor = TabularPredictor.load(str(place), verbosity=0)
                predictor.persist()
        except Exception as error:  # what unpickling a damaged file raises is open
            raise ArtifactError(f"{place}: damaged model ({error}); train it again") from error
        return AutoGluonModel(
            header.outcomes, header.feature_names, header.estimator, predictor, place, importance.rename("importance")
        )


def _fitted(
    matrix: FeatureMatrix, classes: npt.NDArray[np.int64], settings: AutoGluonSettings, place: Path, seed: int
) -> Any:
    """Return the predictor fitted in the folder `place`."""
    from autogluon.tabular import TabularPredictor

    splits = [(fold.train, fold.test) for fold in inner_folds(matrix, settings.inner_folds)]
    weight = row_weights(matrix)
    table = matrix.X.astype("float64").reset_index(drop=True).assign(**{_LABEL: classes})
    if weight is not None:
        table[_WEIGHT] = weight
    predictor = TabularPredictor(
        label=_LABEL,
        problem_type="binary" if len(np.unique(classes)) == 2 else "multiclass",
        eval_metric="log_loss",
        path=str(place),
        verbosity=0,
        sample_weight=None if weight is None else _WEIGHT,
        weight_evaluation=weight is not None,
    )
    return predictor.fit(
        table,
        hyperparameters=dict(settings.hyperparameters),
        time_limit=settings.time_limit,
        feature_generator=None,  # the features are numbers and stay what they are
        num_bag_folds=len(splits),
        num_bag_sets=1,
        num_stack_levels=0,
        dynamic_stacking=False,
        auto_stack=False,
        ag_args_ensemble={
            "custom_splits": splits,
            "fold_fitting_strategy": STRATEGIES[settings.fold_fitting],
            "model_random_seed": seed % 2**31,
            "vary_seed_across_folds": False,
        },
        fit_weighted_ensemble=settings.weighted,
        refit_full=True,
        set_best_to_refit_full=True,
        calibrate=False,  # the platform calibrates, on pooled out-of-fold rows
        calibrate_decision_threshold=False,
        raise_on_model_failure=settings.time_limit is None,
        num_gpus=0,
        num_cpus=settings.num_cpus,
    )


def _booster_contributions(predictor: Any, rows: pd.DataFrame) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Return the features the one LightGBM model uses, and its contributions and base (n, d + 1)."""
    with quiet():
        model = predictor._trainer.load_model(predictor.model_best)
        model = model.load_child(model.models[0]) if hasattr(model, "load_child") else model
        used = model.preprocess(predictor.transform_features(rows))
        found = model.model.predict(used, pred_contrib=True)
    return [str(name) for name in used.columns], np.asarray(found, dtype=np.float64)
