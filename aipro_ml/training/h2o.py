"""The H2O framework: AutoML or one algorithm, fitted in a cluster, stored and scored as a MOJO without one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.enums import Framework, Selection
from aipro_ml.errors import ArtifactError, UsageError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.arrays import model_columns, outcome_classes, row_weights
from aipro_ml.training.base import Probabilities
from aipro_ml.training.h2o_choice import Bench, Judged, Table, automl_options, blocks, judged, proposals, tuned
from aipro_ml.training.h2o_cluster import Sizing, cluster, shared_cluster
from aipro_ml.training.h2o_mojo import Mojo, position
from aipro_ml.training.h2o_recipes import PARAMETERS, Recipe, recipe
from aipro_ml.training.header import ModelHeader, read_header, write_header
from aipro_ml.training.splits import inner_folds

AUTOML = "automl"
MOJO = "model.zip"

_INNER_FOLDS = 6
"""Seasons at most that AutoML's models are tuned and judged by, half of them each."""

_SIZES = frozenset({"nthreads", "max_mem_size"})


@dataclass(frozen=True)
class H2OModel:
    """A fitted MOJO with the names it goes by; `selection` tells what else was considered, best first."""

    outcomes: tuple[Selection, ...]
    feature_names: tuple[str, ...]
    estimator: str
    mojo: Mojo
    importance: Mapping[str, float]
    selection: tuple[Mapping[str, Any], ...] = field(default=())

    def predict_proba(self, X: pd.DataFrame) -> Probabilities:
        """Return probabilities (n, k) for rows of X; columns are matched by name, in any order. Starts Java once."""
        if not len(X):
            return np.empty((0, len(self.outcomes)))
        levels = [f"p{level}" for level in reversed(range(len(self.outcomes)))]
        return self.mojo.probabilities(self._array(X), levels)

    def feature_importance(self) -> pd.Series:
        """Return H2O's importance of every feature: gain of trees, size of standardised coefficients."""
        return pd.Series(dict(self.importance), index=list(self.feature_names), name="importance", dtype="float64")

    def contributions(self, X: pd.DataFrame) -> tuple[pd.DataFrame, npt.NDArray[np.float64]] | None:
        """Return exact log-odds contributions of outcome 0 and the base a row; None for forests and three outcomes."""
        found = self.mojo.contributions(self._array(X))
        if found is None:
            return None
        return pd.DataFrame(found[0], index=X.index, columns=list(self.feature_names)), found[1]

    def save(self, path: Path) -> None:
        """Write header and MOJO into the folder `path` (created if absent)."""
        facts = {"importance": dict(self.importance), "selection": [dict(one) for one in self.selection]}
        header = ModelHeader(Framework.H2O, self.estimator, "h2o", self.outcomes, self.feature_names, facts)
        write_header(path, header)
        (path / MOJO).write_bytes(self.mojo.content)

    def _array(self, X: pd.DataFrame) -> npt.NDArray[np.float64]:
        return np.asarray(model_columns(X, self.feature_names).to_numpy("float64"), dtype=np.float64)


@dataclass(frozen=True)
class H2OTrainer:
    """Fits and loads H2O's models; `name` is `automl` or an algorithm: glm, gbm, xgboost, drf.

    Every estimator takes `nthreads` (1) and `max_mem_size` (2G) of the JVM started for it; a running cluster, where
    AIPRO_H2O_URL names one, keeps its own.
    """

    framework: ClassVar[Framework] = Framework.H2O
    name: str = AUTOML

    def fit(
        self, matrix: FeatureMatrix, outcomes: tuple[Selection, ...], params: Mapping[str, Any], seed: int
    ) -> H2OModel:
        """Fit on every row of `matrix`; UsageError where rows, labels or parameters do not allow it.

        AutoML proposes models on earlier seasons, tuned by later ones; all are fitted again and judged by the
        seasons after those, and the best is fitted on every row.
        """
        sizing, asked = self._split(params)
        columns = outcome_classes(matrix, outcomes)
        levels = len(outcomes) - 1 - columns  # the reference outcome is the highest: H2O explains the log-odds of 1
        X = np.asarray(matrix.X.to_numpy("float64"), dtype=np.float64)
        table = Table(X, levels, row_weights(matrix), len(outcomes))
        with cluster(sizing) as scratch:
            bench = Bench(table, seed, scratch)
            choice = _chosen(bench, matrix, asked)
            model = bench.fit(choice[0].recipe, bench.frame(np.arange(len(X))))
            return H2OModel(
                outcomes,
                matrix.feature_names,
                self.name,
                Mojo(Path(model.download_mojo(path=str(scratch.folder))).read_bytes()),
                _importance(model, matrix.feature_names),
                tuple(one.fields for one in choice),
            )

    def repeatable(self, params: Mapping[str, Any]) -> str | None:
        """Return None for one thread of our own JVM; else why two fits may differ in their last bits."""
        if shared_cluster():
            return "a running H2O cluster adds in the order of its own nodes and threads: last bits may differ"
        if self._split(params)[0].nthreads > 1:
            return "several H2O threads add in the order they end: last bits may differ; nthreads 1 is repeatable"
        return None

    def load(self, path: Path) -> H2OModel:
        """Return the model in folder `path`; ArtifactError where missing, damaged or of another version."""
        header = read_header(path, exact=True)
        try:
            mojo = Mojo((path / MOJO).read_bytes())
            mojo.check()
            importance = {name: float(header.facts["importance"][name]) for name in header.feature_names}
            selection = tuple(header.facts["selection"])
        except (ArtifactError, OSError, KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"{path}: damaged model ({error}); train it again") from error
        return H2OModel(header.outcomes, header.feature_names, header.estimator, mojo, importance, selection)

    def _split(self, params: Mapping[str, Any]) -> tuple[Sizing, dict[str, Any] | Recipe]:
        """Return the JVM's size with AutoML's options, or the recipe of an algorithm; UsageError where unknown."""
        sizes = {name: value for name, value in params.items() if name in _SIZES}
        own = {name: value for name, value in params.items() if name not in _SIZES}
        if self.name == AUTOML:
            return Sizing(**sizes), automl_options(own)
        if self.name not in PARAMETERS:
            known = ", ".join([AUTOML, *sorted(PARAMETERS)])
            raise UsageError(f"h2o estimator {self.name!r}: unknown; there are: {known}")
        return Sizing(**sizes), recipe(self.name, own)


def _chosen(bench: Bench, matrix: FeatureMatrix, asked: dict[str, Any] | Recipe) -> list[Judged]:
    """Return what was considered, best first: AutoML's recipes, or the one that is configured."""
    if isinstance(asked, Recipe) and not asked.unsettled:
        return [Judged(asked, None)]
    tuning, judging = blocks(inner_folds(matrix, _count(matrix)))
    if isinstance(asked, Recipe):
        return [Judged(tuned(bench, judging, asked), None)]
    return judged(bench, judging, proposals(bench, tuning, asked))


def _count(matrix: FeatureMatrix) -> int:
    """Return how many inner folds the rows carry: a third of their seasons, at least two."""
    return max(2, min(_INNER_FOLDS, int(matrix.meta["season"].nunique()) // 3))


def _importance(model: Any, feature_names: tuple[str, ...]) -> dict[str, float]:
    found = dict.fromkeys(feature_names, 0.0)
    for name, relative, *_ in model.varimp() or ():
        found[feature_names[position(name)]] = float(relative)
    return found
