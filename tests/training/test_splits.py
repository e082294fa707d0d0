"""Folds go forward in time and never train on a result that was not known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aipro_ml.errors import UsageError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.splits import trainable, walk_forward
from tests.training.league import league


def late_results(matrix: FeatureMatrix, days: list[int]) -> FeatureMatrix:
    delays = pd.to_timedelta(np.resize(days, len(matrix.X)), unit="D")
    meta = matrix.meta.assign(result_known_at=matrix.meta["result_known_at"] + delays)
    return FeatureMatrix(matrix.X, matrix.as_of, meta, matrix.y)


@settings(max_examples=40, deadline=None)
@given(
    days=st.lists(st.integers(0, 900), min_size=1, max_size=20),
    games=st.integers(5, 30),
    seed=st.integers(0, 10**6),
)
def test_no_training_row_was_open_when_the_test_season_began(days, games, seed):
    matrix = late_results(league(seasons=4, games=games, seed=seed, pushes=True), [0, *days])
    folds = walk_forward(matrix, test_from=2003)
    for fold in folds:
        begun = matrix.as_of[matrix.meta["season"] == fold.season].min()
        train, test = matrix.take(fold.train), matrix.take(fold.test)
        assert (train.meta["result_known_at"] <= begun).all()
        assert (train.meta["season"] < fold.season).all()
        assert (test.meta["season"] == fold.season).all()
        assert train.y.notna().all()
        assert test.y.notna().all()
        # nothing that may be used is left out
        eligible = (matrix.meta["result_known_at"] <= begun) & (matrix.meta["season"] < fold.season) & matrix.y.notna()
        assert len(fold.train) == int(eligible.sum())


def test_the_window_expands_and_every_season_is_tested_once():
    folds = walk_forward(league(seasons=5, games=20), min_train_seasons=2)
    assert folds.seasons == (2002, 2003, 2004)
    assert [len(fold.train) for fold in folds] == [40, 60, 80]
    assert len(np.unique(folds.tested)) == 60


def test_train_from_and_test_to_cut_the_seasons():
    folds = walk_forward(league(seasons=6, games=20), train_from=2002, test_from=2004, test_to=2004)
    assert folds.seasons == (2004,)
    assert len(folds.folds[0].train) == 40


def test_pushes_and_open_games_are_neither_trained_on_nor_tested():
    matrix = league(seasons=3, games=30, pushes=True)
    matrix.meta.iloc[-3:, matrix.meta.columns.get_loc("result_known_at")] = pd.NaT
    rows = trainable(matrix)
    assert matrix.y.iloc[rows].notna().all()
    assert rows.max() < len(matrix.X) - 3
    assert set(walk_forward(matrix).tested) <= set(rows)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"test_from": 2000}, "0 training seasons"),
        ({"test_from": 1990, "test_to": 1995}, "2000 to 2003"),
        ({"test_from": 2003, "test_to": 2030}, "2000 to 2003"),
        ({"test_from": 2003, "test_to": 2001}, "2003 to 2001"),
        ({"min_train_seasons": 4}, "import more seasons"),
        ({"train_from": 2003}, "1 seasons with results from 2003 on"),
    ],
)
def test_a_request_without_folds_says_what_there_is(arguments, words):
    with pytest.raises(UsageError, match=words):
        walk_forward(league(seasons=4, games=10), **arguments)


def test_a_matrix_without_labels_cannot_be_split():
    matrix = league(seasons=3, games=10)
    with pytest.raises(UsageError, match="no labels"):
        walk_forward(FeatureMatrix(matrix.X, matrix.as_of, matrix.meta))
