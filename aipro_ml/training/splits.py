"""Walk-forward folds by season with purge: one object that every framework trains and is scored on."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.errors import UsageError
from aipro_ml.features.matrix import FeatureMatrix

Positions = npt.NDArray[np.intp]
"""Row positions in a feature matrix, increasing."""


@dataclass(frozen=True)
class Fold:
    """One test season and the rows a model that predicts it may have learned from."""

    season: int
    train: Positions
    test: Positions


@dataclass(frozen=True)
class Folds:
    """Folds in time order; a row is tested at most once."""

    folds: tuple[Fold, ...]

    def __iter__(self) -> Iterator[Fold]:
        """Iterate over the folds, earliest season first."""
        return iter(self.folds)

    def __len__(self) -> int:
        """Return the number of folds."""
        return len(self.folds)

    @property
    def seasons(self) -> tuple[int, ...]:
        """Return the test seasons."""
        return tuple(fold.season for fold in self.folds)

    @property
    def tested(self) -> Positions:
        """Return the positions of all test rows, fold after fold."""
        return np.concatenate([fold.test for fold in self.folds])


def trainable(matrix: FeatureMatrix, train_from: int | None = None) -> Positions:
    """Return the rows a final refit may use: labelled (no push, result known), from `train_from` on."""
    if matrix.y is None:
        raise UsageError("the feature matrix has no labels: build it with labels to train on it")
    usable = matrix.y.notna().to_numpy("bool") & matrix.meta["result_known_at"].notna().to_numpy("bool")
    if train_from is not None:
        usable &= matrix.meta["season"].to_numpy("int64") >= train_from
    return np.flatnonzero(usable)


def walk_forward(
    matrix: FeatureMatrix,
    *,
    test_from: int | None = None,
    test_to: int | None = None,
    train_from: int | None = None,
    min_train_seasons: int = 1,
) -> Folds:
    """Return expanding-window folds, one a test season from `test_from` to `test_to` (inclusive).

    Purge (methods §8): a row trains for a test season only if its result was known at the first decision time
    of that season. Pushes and open games are neither trained on nor tested. Without `test_from` the first
    test season is the first with `min_train_seasons` seasons before it. UsageError where nothing is left.
    """
    usable = trainable(matrix, train_from)
    seasons = np.unique(matrix.meta["season"].to_numpy("int64")[usable])
    if len(seasons) <= max(min_train_seasons, 1):
        earlier = "" if train_from is None else f" from {train_from} on (earlier ones only warm ratings up)"
        raise UsageError(
            f"{len(seasons)} seasons with results{earlier}: walk-forward needs {max(min_train_seasons, 1)} to train "
            "on and one more to test; import more seasons"
        )
    wanted = _test_seasons(seasons, (test_from, test_to), min_train_seasons)
    folds = tuple(_fold(matrix, usable, season) for season in wanted)
    for fold in folds:
        found = len(np.unique(matrix.meta["season"].to_numpy("int64")[fold.train]))
        if found < max(min_train_seasons, 1):
            raise UsageError(
                f"season {fold.season} has {found} training seasons before it, {max(min_train_seasons, 1)} "
                "needed: test later seasons or import earlier ones"
            )
    return Folds(folds)


def inner_folds(matrix: FeatureMatrix, count: int) -> Folds:
    """Return up to `count` forward-only folds inside a training set, for a framework that chooses among its models.

    They are `walk_forward` over the last seasons; where fewer than three seasons are there, over parts of equal
    length in time, purged alike. Every row must be labelled. UsageError where the rows do not carry two folds.
    """
    seasons = np.unique(matrix.meta["season"].to_numpy("int64"))
    if len(seasons) > 2:
        return walk_forward(matrix, test_from=int(seasons[-min(count, len(seasons) - 1)]))
    order = np.argsort(matrix.as_of.to_numpy(), kind="stable")
    parts = (_part(matrix, test) for test in np.array_split(order, count + 1)[1:])
    folds = tuple(fold for fold in parts if len(fold.train) and len(fold.test))
    if len(folds) < 2:
        raise UsageError(f"{len(order)} training rows are too few for {count} inner folds: train on more games")
    return Folds(folds)


def _part(matrix: FeatureMatrix, test: Positions) -> Fold:
    start = matrix.as_of.iloc[test].min() if len(test) else matrix.as_of.min()
    known = (matrix.meta["result_known_at"] <= pd.Timestamp(start)).to_numpy("bool")
    season = int(matrix.meta["season"].iloc[test].max()) if len(test) else 0
    return Fold(season, np.flatnonzero(known), np.sort(test))


def _test_seasons(
    seasons: npt.NDArray[np.int64], span: tuple[int | None, int | None], min_train_seasons: int
) -> list[int]:
    first = int(seasons[max(min_train_seasons, 1)]) if span[0] is None else span[0]
    last = int(seasons[-1]) if span[1] is None else span[1]
    wanted = [int(season) for season in seasons if first <= season <= last]
    if not wanted or first < seasons[0] or last > seasons[-1]:
        raise UsageError(f"test seasons {first} to {last}: labelled games exist from {seasons[0]} to {seasons[-1]}")
    return wanted


def _fold(matrix: FeatureMatrix, usable: Positions, season: int) -> Fold:
    seasons = matrix.meta["season"].to_numpy("int64")
    of_season = seasons == season
    start = matrix.as_of[of_season].min()
    known = (matrix.meta["result_known_at"] <= pd.Timestamp(start)).to_numpy("bool")
    return Fold(
        season=season,
        train=usable[(known & (seasons < season))[usable]],
        test=usable[of_season[usable]],
    )
