"""Choosing among H2O's models by games later than those they learned from, never by random cross-validation."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.errors import AiproError, UsageError
from aipro_ml.metrics import multiclass
from aipro_ml.training.h2o_cluster import Scratch
from aipro_ml.training.h2o_mojo import feature
from aipro_ml.training.h2o_recipes import DEFAULTS, Recipe, estimator, recipe_of, refuse_unknown, settled
from aipro_ml.training.splits import Fold, Folds, Positions

Array = npt.NDArray[np.float64]

ALGORITHMS = ("GLM", "GBM", "XGBoost", "DRF")
"""What AutoML may include. Deep learning is not repeatable; stacked ensembles rest on random cross-validation."""

_AUTOML = frozenset({"max_models", "include_algos"})
_TAG = re.compile(r"AutoML_\d+_\d{8}_\d+")  # the time without leading zeros: five digits before ten


@dataclass(frozen=True)
class Block:
    """Rows to learn from and later rows to be judged by."""

    train: Positions
    test: Positions


@dataclass(frozen=True)
class Judged:
    """A recipe and its log loss on games it had not seen; None where there was nothing to choose from."""

    recipe: Recipe
    log_loss: float | None

    @property
    def fields(self) -> dict[str, Any]:
        """Return it as plain values, for the model's header."""
        return {
            "name": self.recipe.name,
            "algorithm": self.recipe.algorithm,
            "log_loss": self.log_loss,
            "params": dict(self.recipe.params),
        }


@dataclass(frozen=True)
class Table:
    """The training rows: features (n, d), level of the response (n,) and weight (n,) or None."""

    X: Array
    levels: npt.NDArray[np.int64]
    weight: Array | None
    classes: int

    def csv(self, rows: Positions, path: Path) -> None:
        """Write these rows as H2O reads them, unknown values empty."""
        frame = pd.DataFrame(self.X[rows], columns=self.features)
        frame["level"] = self.levels[rows]
        if self.weight is not None:
            frame["weight"] = self.weight[rows]
        frame.to_csv(path, index=False)

    @property
    def features(self) -> list[str]:
        """Return H2O's names of the features."""
        return [feature(i) for i in range(self.X.shape[1])]


@dataclass(frozen=True)
class Bench:
    """The cluster with what every fit of one training shares: rows, seed, and the scratch it works in."""

    table: Table
    seed: int
    scratch: Scratch

    def frame(self, rows: Positions) -> Any:
        """Return the rows as a frame of the cluster."""
        import h2o

        path = self.scratch.folder / "rows.csv"
        self.table.csv(rows, path)
        types = {**dict.fromkeys(self.table.features, "numeric"), "level": "enum", "weight": "numeric"}
        if self.table.weight is None:
            del types["weight"]
        return h2o.upload_file(str(path), destination_frame=self.scratch.new("rows"), col_types=types)

    def fit(self, of: Recipe, frame: Any, validation: Any = None) -> Any:
        """Return H2O's model of a recipe, fitted on a frame."""
        made = estimator(
            of,
            self.seed,
            classes=self.table.classes,
            weighted=self.table.weight is not None,
            key=self.scratch.new(of.algorithm),
        )
        made.train(x=self.table.features, y="level", training_frame=frame, validation_frame=validation)
        return made

    def log_loss(self, model: Any, frame: Any, rows: Positions) -> float:
        """Return our own log loss of a model on rows, weighted as they are."""
        said = model.predict(frame).as_data_frame(use_pandas=False, header=True)
        names = [f"p{level}" for level in range(self.table.classes)]
        p = np.asarray([[float(row[said[0].index(name)]) for name in names] for row in said[1:]])
        losses = multiclass.log_losses(p, self.table.levels[rows])
        return float(np.average(losses, weights=None if self.table.weight is None else self.table.weight[rows]))


def blocks(folds: Folds) -> tuple[Block, Block]:
    """Return what models are tuned by and, later, what they are judged by: the first half of the folds and the rest."""
    every = tuple(folds)
    half = len(every) // 2
    return _merged(every[:half]), _merged(every[half:])


def automl_options(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what AutoML is told: at most 6 models of GLM and GBM where `params` say nothing; UsageError if wrong."""
    refuse_unknown("automl", params, _AUTOML)
    chosen = params.get("include_algos", ["GLM", "GBM"])
    for name in chosen:
        if name not in ALGORITHMS:
            raise UsageError(f"h2o automl: include_algos {name!r}; there are: {', '.join(ALGORITHMS)}")
    return {"max_models": int(params.get("max_models", 6)), "include_algos": list(chosen)}


def proposals(bench: Bench, block: Block, options: Mapping[str, Any]) -> list[Recipe]:
    """Return what AutoML comes up with on a block, given `automl_options`, and the small trees beside."""
    from h2o.automl import H2OAutoML

    earlier, later = bench.frame(block.train), bench.frame(block.test)
    search = H2OAutoML(
        **options,
        seed=bench.seed,
        nfolds=0,
        exploitation_ratio=0,
        sort_metric="logloss",
        project_name=bench.scratch.new("automl"),
        verbosity=None,
    )
    weight = {} if bench.table.weight is None else {"weights_column": "weight"}
    search.train(
        x=bench.table.features,
        y="level",
        training_frame=earlier,
        validation_frame=later,
        leaderboard_frame=later,
        **weight,
    )
    found = list(_found(bench, search))
    if not found:
        raise AiproError(f"H2O's AutoML found no model on {len(block.train)} rows: train on more games")
    fewest = min(DEFAULTS["gbm"]["min_rows"], len(block.train) // 10)  # H2O refuses more than half of the rows
    return [*found, Recipe("GBM_small", "gbm", {**DEFAULTS["gbm"], "min_rows": fewest})]


def tuned(bench: Bench, block: Block, of: Recipe) -> Recipe:
    """Return the recipe with the numbers that the later rows of a block give it."""
    earlier, later = bench.frame(block.train), bench.frame(block.test)
    return settled(of, bench.fit(of, earlier, later))


def judged(bench: Bench, block: Block, recipes: Sequence[Recipe]) -> list[Judged]:
    """Return the recipes, each fitted on the earlier rows of a block, by their log loss on the later ones."""
    earlier, later = bench.frame(block.train), bench.frame(block.test)
    found = [(bench.log_loss(bench.fit(one, earlier), later, block.test), one) for one in recipes]
    return [Judged(one, loss) for loss, one in sorted(found, key=lambda pair: pair[0])]


def _merged(folds: Sequence[Fold]) -> Block:
    return Block(folds[0].train, np.concatenate([fold.test for fold in folds]))


def _found(bench: Bench, search: Any) -> Iterator[Recipe]:
    import h2o

    board = search.leaderboard
    names = [] if board is None else [row[0] for row in board.as_data_frame(use_pandas=False, header=False)]
    for name in sorted(names):
        tag = _TAG.search(name)
        if tag is not None:
            bench.scratch.own(tag[0])
        yield recipe_of(_TAG.sub("", name).replace("__", "_").strip("_"), h2o.get_model(name))
