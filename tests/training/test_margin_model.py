"""Regression heads: points learned, probabilities that follow the line."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aipro_ml.config import ModelConfig
from aipro_ml.enums import BetType, Selection
from aipro_ml.errors import LeakError, UsageError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.sport import sport
from aipro_ml.features.view import FeatureView
from aipro_ml.metrics import log_losses
from aipro_ml.training.lines import LineModel, at_lines, line_column, line_feature, market_of, points_hash
from aipro_ml.training.registry import candidate, trainer_for
from aipro_ml.training.splits import trainable, walk_forward
from aipro_ml.training.walkforward import out_of_fold
from tests.training.league import league, three_way_league

HOME = (Selection.HOME, Selection.AWAY)
OVER = (Selection.OVER, Selection.UNDER)
PARAMS = {"margin_ridge": {"alpha": 10.0}, "margin_trees": {"max_iter": 60, "min_samples_leaf": 20}}


def lined(bet_type: BetType, *, games: int = 150) -> FeatureMatrix:
    """Games of 10 points' scatter around twice `form`, each with a line near it; whole lines push."""
    matrix = league(seasons=4, games=games)
    random = np.random.default_rng(5)
    usual = 44.0 if bet_type is BetType.TOTAL else 0.0
    points = np.rint(usual + 3 * matrix.X["form"] + random.normal(scale=10, size=len(matrix.X)))
    line = np.rint(2 * (usual + 2 * matrix.X["form"] + random.normal(scale=2, size=len(points)))) / 2
    if bet_type is BetType.SPREAD:
        line = -line
    ahead = points - line if bet_type is BetType.TOTAL else points + line
    y = np.sign(ahead).map({1.0: 1.0, 0.0: np.nan, -1.0: 0.0}).rename("y")
    outcomes = OVER if bet_type is BetType.TOTAL else HOME
    return replace(matrix, meta=matrix.meta.assign(outcome_points=points, line=line), y=y, outcomes=outcomes)


def fitted(matrix: FeatureMatrix, name: str = "margin_ridge") -> LineModel:
    rows = matrix.take(trainable(matrix))
    model = trainer_for("sklearn", name).fit(rows, matrix.outcomes, PARAMS[name], 3)
    assert isinstance(model, LineModel)
    return model


@pytest.fixture(scope="module", params=[BetType.SPREAD, BetType.TOTAL], ids=str)
def matrix(request):
    return lined(request.param)


@pytest.fixture(scope="module", params=sorted(PARAMS))
def model(matrix, request):
    return fitted(matrix, request.param)


def test_the_expected_points_are_near_what_made_them_and_their_scatter_too(matrix, model):
    expected = model.expected(matrix.X)
    assert np.corrcoef(expected, matrix.X["form"])[0, 1] > 0.9
    assert expected.mean() == pytest.approx(matrix.meta["outcome_points"].mean(), abs=0.5)
    assert model.distribution.sd == pytest.approx(10, abs=0.7)


def test_the_probability_follows_the_line_and_the_expected_points_do_not(matrix, model):
    bet_type = market_of(matrix.outcomes, matrix.meta["line"])
    name = line_feature(model)
    assert name == {BetType.SPREAD: "market_spread", BetType.TOTAL: "market_total"}[bet_type]
    assert model.feature_names == (*matrix.feature_names, name)
    before, after = (matrix.X.assign(**{name: matrix.meta["line"] + moved}) for moved in (0.0, 3.0))
    rise = model.predict_proba(after)[:, 0] - model.predict_proba(before)[:, 0]
    assert ((rise > 0.02) if bet_type is BetType.SPREAD else (rise < -0.02)).all()
    np.testing.assert_array_equal(model.expected(after), model.expected(before))
    np.testing.assert_array_equal(model.predict_proba(after), model.probability_at(matrix.X, matrix.meta["line"] + 3.0))


def test_a_line_far_from_what_is_expected_is_nearly_certain_and_an_unknown_one_even(matrix, model):
    sign = 1 if model.outcomes == HOME else -1
    far = model.probability_at(matrix.X, sign * 500.0)
    assert (far[:, 0] > 0.999).all()
    unknown = matrix.X.assign(**{model.line_feature: np.nan})
    np.testing.assert_array_equal(model.predict_proba(unknown), 0.5)


def test_a_line_that_moved_after_the_features_replaces_theirs_where_it_is_known(matrix, model):
    seen = matrix.X.assign(**{model.line_feature: 1.0})
    moved = pd.Series([7.0, np.nan], index=matrix.X.index[[0, 1]])
    asked = at_lines(model, seen, moved)
    assert asked[model.line_feature].iloc[:3].tolist() == [7.0, 1.0, 1.0]
    assert seen[model.line_feature].eq(1.0).all()
    logistic = trainer_for("sklearn", "logistic_regression").fit(league(seasons=2), HOME, {}, 1)
    assert at_lines(logistic, matrix.X, moved) is matrix.X


def test_out_of_fold_each_game_is_asked_at_its_own_line_and_beats_a_coin(matrix):
    bet_type = market_of(matrix.outcomes, matrix.meta["line"])
    made = candidate(
        ModelConfig(name="m", framework="sklearn", estimator="margin_ridge", params={"alpha": 10.0}), bet_type, 3
    )
    oof = out_of_fold(made, matrix, walk_forward(matrix, test_from=2001))
    assert oof["p"].notna().all()
    assert log_losses(oof["p"].to_numpy(), oof["y"].to_numpy()).mean() < np.log(2)
    reversed_lines = replace(matrix, meta=matrix.meta.assign(line=-matrix.meta["line"]))
    other = out_of_fold(made, reversed_lines, walk_forward(matrix, test_from=2001))
    assert not np.allclose(other["p"], oof["p"], atol=0.05)


def test_a_moneyline_is_the_spread_at_line_zero():
    matrix = league(seasons=3)
    model = fitted(matrix)
    assert model.line_feature is None
    assert model.feature_names == matrix.feature_names
    np.testing.assert_array_equal(model.predict_proba(matrix.X), model.probability_at(matrix.X, 0.0))


def test_three_outcomes_come_from_one_margin():
    matrix = three_way_league(seasons=3)
    model = fitted(matrix)
    p = model.predict_proba(matrix.X)
    assert p[:, 1].mean() == pytest.approx((matrix.y == 0.5).mean(), abs=0.04)


def test_key_numbers_of_the_training_games_are_learned():
    matrix = lined(BetType.SPREAD, games=400)
    points = matrix.meta["outcome_points"]
    three = matrix.meta.assign(outcome_points=points.where(~points.isin([2.0, 4.0]), 3.0))
    weights = fitted(replace(matrix, meta=three)).distribution
    assert weights.weights[3 - weights.lowest] > 1.3 > weights.weights[2 - weights.lowest]


def test_rows_without_points_cannot_be_learned_from(matrix):
    rows = matrix.take(trainable(matrix))
    for meta in (rows.meta.drop(columns="outcome_points"), rows.meta.assign(outcome_points=np.nan)):
        with pytest.raises(UsageError, match="points"):
            trainer_for("sklearn", "margin_ridge").fit(replace(rows, meta=meta), rows.outcomes, {}, 1)


def test_points_are_no_feature_and_no_part_of_a_matrix_hash(matrix):
    changed = replace(matrix, meta=matrix.meta.assign(outcome_points=matrix.meta["outcome_points"] + 1))
    assert changed.sha256 == matrix.sha256
    assert points_hash(changed) != points_hash(matrix)
    nfl = sport("NFL")
    leaking = FeatureView("leak", ("outcome_points",), nfl.views[0].compute, group="market_free")
    with pytest.raises(LeakError, match="outcome_points"):
        replace(nfl, views=(*nfl.views, leaking))


def test_only_a_model_of_margins_asks_for_a_line():
    assert line_column("margin_ridge", BetType.SPREAD) == "market_spread"
    assert line_column("margin_trees", BetType.TOTAL) == "market_total"
    assert line_column("margin_ridge", BetType.MONEYLINE) is None
    assert line_column("lightgbm", BetType.SPREAD) is None
