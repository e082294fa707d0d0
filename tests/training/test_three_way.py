"""Three-way moneylines from folds to leaderboard, and rows that count half."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aipro_ml import metrics
from aipro_ml.betting.settlement import MarketRule
from aipro_ml.config import training_config
from aipro_ml.enums import BetType
from aipro_ml.metrics import multiclass
from aipro_ml.training.baselines import baselines
from aipro_ml.training.leaderboard import Entry, baseline_entries, leaderboard, season_weeks
from aipro_ml.training.oof import OOF_COLUMNS, THREE_WAY_COLUMNS, market_rows, outcomes_seen, probabilities
from aipro_ml.training.registry import candidate
from aipro_ml.training.splits import walk_forward
from aipro_ml.training.walkforward import out_of_fold
from tests.training.league import league, three_way_league

LOGISTIC = training_config().models[BetType.MONEYLINE][0]


@pytest.fixture(scope="module")
def matrix():
    return three_way_league(seasons=5, games=300)


@pytest.fixture(scope="module")
def folds(matrix):
    return walk_forward(matrix, test_from=2003)


@pytest.fixture(scope="module")
def oof(matrix, folds):
    return out_of_fold(candidate(LOGISTIC, BetType.MONEYLINE, 1, MarketRule.THREE_WAY), matrix, folds)


@pytest.fixture(scope="module")
def rows(matrix, folds, oof):
    entries = [*baseline_entries(baselines(matrix, folds, BetType.MONEYLINE)), Entry("logistic", "sklearn", oof)]
    return {row.name: row for row in leaderboard(entries, seed=1)}


def test_an_out_of_fold_frame_carries_all_three_probabilities(matrix, folds, oof):
    assert tuple(oof.columns) == (*OOF_COLUMNS, *THREE_WAY_COLUMNS)
    fold = folds.folds[0]
    model = candidate(LOGISTIC, BetType.MONEYLINE, 1, MarketRule.THREE_WAY).fit(matrix.take(fold.train))
    first = oof.iloc[: len(fold.test)]
    np.testing.assert_allclose(probabilities(first), model.predict_proba(matrix.X.iloc[fold.test]), atol=1e-12)
    np.testing.assert_array_equal(outcomes_seen(oof), oof["y"].map({1.0: 0, 0.5: 1, 0.0: 2}))


def test_the_leaderboard_scores_all_outcomes_against_the_market(oof, rows):
    assert set(rows) == {"constant", "elo", "market", "logistic"}
    said, seen = probabilities(oof), outcomes_seen(oof)
    row = rows["logistic"]
    assert row.log_loss == pytest.approx(float(np.mean(-np.log(said[np.arange(len(seen)), seen]))))
    assert row.rps == pytest.approx(float(multiclass.ranked_probability_scores(said, seen).mean()))
    assert row.brier == pytest.approx(float(((said - np.eye(3)[seen]) ** 2).sum(axis=1).mean()))
    assert row.accuracy == pytest.approx(float((said.argmax(axis=1) == seen).mean()))
    assert row.ece == pytest.approx(metrics.ece(oof["p"], oof["y"] == 1))
    assert row.delta_log_loss_vs_market == pytest.approx(row.log_loss - rows["market"].log_loss)
    assert row.ci_low < row.delta_log_loss_vs_market < row.ci_high
    assert rows["market"].log_loss < rows["elo"].log_loss < rows["constant"].log_loss
    assert list(row.fields)[:6] == ["name", "framework", "n", "log_loss", "rps", "brier"]
    json.dumps(row.fields, allow_nan=False)


def test_the_constant_is_the_training_frequency_of_each_outcome(matrix, folds):
    found = probabilities(baselines(matrix, folds, BetType.MONEYLINE)["constant"])
    y = matrix.y.iloc[folds.folds[-1].train]
    np.testing.assert_allclose(found[-1], [(y == 1).mean(), (y == 0.5).mean(), (y == 0).mean()])


def test_elo_says_what_its_view_says_of_home_and_draw(matrix, folds):
    found = probabilities(baselines(matrix, folds, BetType.MONEYLINE)["elo"])
    np.testing.assert_array_equal(found[:, :2], matrix.X[["elo_prob", "elo_draw"]].iloc[folds.tested])
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    ignorant = replace(matrix, X=matrix.X.drop(columns="elo_draw"))
    assert "elo" not in baselines(ignorant, folds, BetType.MONEYLINE)


def test_a_game_whose_draw_nobody_prices_has_no_market_row(oof):
    bare = oof.assign(market_prob=oof["market_prob"].where(np.arange(len(oof)) >= 7))
    assert len(market_rows(bare)) == len(oof) - 7


def test_weeks_that_no_sport_counts_are_the_weeks_of_the_kickoff(matrix, oof):
    assert len(np.unique(season_weeks(oof))) > 2 * len(oof["season"].unique())
    kickoff = matrix.meta["kickoff"].loc[oof.index]
    assert (oof["week"].to_numpy() == kickoff.dt.isocalendar().week.to_numpy()).all()
    counted = out_of_fold(candidate(LOGISTIC, BetType.MONEYLINE, 1), league(), walk_forward(league(), test_from=2003))
    assert (counted["week"] == league().meta["week"].loc[counted.index]).all()


def test_a_half_decided_row_counts_half_in_every_score(folds):
    matrix = league(seasons=5, games=300)
    weight = pd.Series(np.where(matrix.y == 0, 0.5, 1.0), index=matrix.X.index)
    matrix = replace(matrix, weight=weight)
    board = leaderboard(baseline_entries(baselines(matrix, walk_forward(matrix, test_from=2003), BetType.SPREAD)), 1)
    constant = next(row for row in board if row.name == "constant")
    tested = matrix.take(folds.tested)
    p, y, w = tested.meta["market_prob"], tested.y, tested.weight
    market = next(row for row in board if row.name == "market")
    loss = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    assert market.log_loss == pytest.approx(np.average(loss, weights=w))
    assert market.brier == pytest.approx(np.average((p - y) ** 2, weights=w))
    # two of three decided stakes were won: the constant must say so, not one half
    assert constant.log_loss == pytest.approx(-(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3)), abs=0.02)


def test_the_shipped_configuration_trains_three_ways(matrix, folds):
    for config in training_config().models[BetType.MONEYLINE]:
        oof = out_of_fold(candidate(config, BetType.MONEYLINE, 1, MarketRule.THREE_WAY), matrix, folds)
        np.testing.assert_allclose(probabilities(oof).sum(axis=1), 1.0)
