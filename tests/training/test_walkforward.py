"""Out-of-fold predictions, baselines and the leaderboard they meet in."""

import json

import numpy as np
import pytest

from aipro_ml import metrics
from aipro_ml.config import ModelConfig, training_config
from aipro_ml.enums import BetType
from aipro_ml.errors import UsageError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.baselines import baselines
from aipro_ml.training.leaderboard import Entry, baseline_entries, common_games, leaderboard
from aipro_ml.training.oof import OOF_COLUMNS
from aipro_ml.training.registry import candidate
from aipro_ml.training.splits import walk_forward
from aipro_ml.training.walkforward import out_of_fold
from tests.training.league import league

LOGISTIC = ModelConfig(name="logistic", framework="sklearn", estimator="logistic_regression", params={"C": 0.1})


@pytest.fixture(scope="module")
def matrix():
    return league(seasons=4, games=100, pushes=True)


@pytest.fixture(scope="module")
def folds(matrix):
    return walk_forward(matrix, test_from=2002)


@pytest.fixture(scope="module")
def oof(matrix, folds):
    return out_of_fold(candidate(LOGISTIC, BetType.MONEYLINE, 1), matrix, folds)


def test_each_test_row_is_predicted_once_by_a_model_of_earlier_games(matrix, folds, oof):
    assert tuple(oof.columns) == OOF_COLUMNS
    assert list(oof.index) == list(matrix.X.index[folds.tested])
    fold = folds.folds[0]
    model = candidate(LOGISTIC, BetType.MONEYLINE, 1).fit(matrix.take(fold.train))
    np.testing.assert_array_equal(oof["p"].iloc[: len(fold.test)], model.predict_proba(matrix.X.iloc[fold.test])[:, 0])


def test_later_games_change_no_prediction(matrix, folds, oof):
    changed = matrix.X.copy()
    changed.loc[matrix.meta["season"] == 2003] = 9.0
    y = matrix.y.where(matrix.meta["season"] < 2003, 1 - matrix.y)
    again = out_of_fold(
        candidate(LOGISTIC, BetType.MONEYLINE, 1),
        FeatureMatrix(changed, matrix.as_of, matrix.meta, y),
        folds,
    )
    first = oof["season"] == 2002
    np.testing.assert_array_equal(again.loc[first, "p"], oof.loc[first, "p"])


def test_progress_is_told_fold_by_fold(matrix, folds):
    told = []
    out_of_fold(
        candidate(LOGISTIC, BetType.MONEYLINE, 1),
        matrix,
        folds,
        lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 2), (2, 2)]


def test_baselines_are_training_mean_elo_and_market(matrix, folds):
    found = baselines(matrix, folds, BetType.MONEYLINE)
    assert list(found) == ["constant", "elo", "market"]
    fold = folds.folds[1]
    assert found["constant"]["p"].iloc[-1] == matrix.y.iloc[fold.train].mean()
    np.testing.assert_array_equal(found["elo"]["p"], matrix.X["elo_prob"].iloc[folds.tested])
    np.testing.assert_array_equal(found["market"]["p"], matrix.meta["market_prob"].iloc[folds.tested])


def test_elo_speaks_of_moneylines_only(matrix, folds):
    assert list(baselines(matrix, folds, BetType.SPREAD)) == ["constant", "market"]


def test_games_without_a_market_are_left_out_of_every_row(matrix, folds, oof):
    meta = matrix.meta.copy()
    meta.iloc[folds.tested[:10], meta.columns.get_loc("market_prob")] = np.nan
    sparse = FeatureMatrix(matrix.X, matrix.as_of, meta, matrix.y)
    entries = [
        *baseline_entries(baselines(sparse, folds, BetType.MONEYLINE)),
        Entry("logistic", "sklearn", oof),
    ]
    assert len(common_games(entries)) == len(oof) - 10
    assert {row.n for row in leaderboard(entries, seed=1)} == {len(oof) - 10}


def test_without_any_market_all_labelled_games_count_and_the_difference_is_none(matrix, folds, oof):
    bare = FeatureMatrix(matrix.X, matrix.as_of, matrix.meta.assign(market_prob=np.nan), matrix.y)
    entries = [
        *baseline_entries(baselines(bare, folds, BetType.TOTAL)),
        Entry("logistic", "sklearn", oof),
    ]
    rows = leaderboard(entries, seed=1)
    assert [row.name for row in rows] == ["logistic", "constant"]
    assert rows[0].n == len(oof)
    assert rows[0].delta_log_loss_vs_market is None
    assert rows[0].ci_low is None


def test_the_row_holds_the_metrics_and_the_paired_difference(matrix, folds, oof):
    entries = [
        *baseline_entries(baselines(matrix, folds, BetType.MONEYLINE)),
        Entry("logistic", "sklearn", oof),
    ]
    rows = {row.name: row for row in leaderboard(entries, seed=1)}
    row = rows["logistic"]
    assert row.log_loss == pytest.approx(metrics.log_loss(oof["p"], oof["y"]))
    assert row.delta_log_loss_vs_market == pytest.approx(row.log_loss - rows["market"].log_loss)
    assert row.ci_low < row.delta_log_loss_vs_market < row.ci_high
    assert rows["market"].delta_log_loss_vs_market == 0
    assert (
        " ".join(row.fields)
        == "name framework n log_loss brier auc accuracy ece ece_null delta_log_loss_vs_market ci_low ci_high"
    )
    json.dumps(row.fields, allow_nan=False)
    assert rows["constant"].framework == "baseline"


def test_rows_are_sorted_by_log_loss_and_repeat_with_their_seed(matrix, folds, oof):
    entries = [
        *baseline_entries(baselines(matrix, folds, BetType.MONEYLINE)),
        Entry("logistic", "sklearn", oof),
    ]
    rows = leaderboard(entries, seed=1)
    assert [row.log_loss for row in rows] == sorted(row.log_loss for row in rows)
    assert rows == leaderboard(list(reversed(entries)), seed=1)


def test_two_rows_of_one_name_are_refused(oof):
    with pytest.raises(UsageError, match="name of its own"):
        leaderboard([Entry("a", "sklearn", oof), Entry("a", "sklearn", oof)], seed=1)


def test_the_shipped_configuration_trains(matrix, folds):
    for bet_type, models in training_config().models.items():
        for config in models:
            p = out_of_fold(candidate(config, bet_type, 1), matrix, folds)["p"]
            assert p.between(0, 1).all()
