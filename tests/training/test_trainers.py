"""The contract every estimator fulfils."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aipro_ml.enums import Selection
from aipro_ml.errors import ArtifactError, UsageError
from aipro_ml.features.matrix import FeatureMatrix, outcome_columns
from aipro_ml.metrics import auc, auc_null_sd
from aipro_ml.training import estimators
from aipro_ml.training.registry import load_model, trainer_for
from aipro_ml.training.splits import walk_forward
from aipro_ml.training.walkforward import Candidate, out_of_fold
from tests.training.league import FEATURES, THREE_WAY, league, three_way_league

OUTCOMES = (Selection.HOME, Selection.AWAY)
PARAMS = {
    "logistic_regression": {"C": 0.1},
    "hist_gradient_boosting": {"max_iter": 20, "max_leaf_nodes": 4},
    "lightgbm": {"n_estimators": 20, "num_leaves": 4, "subsample": 0.8, "subsample_freq": 1},
}
every_estimator = pytest.mark.parametrize("name", sorted(PARAMS))


@pytest.fixture(scope="module")
def matrix():
    return league(seasons=3, games=100)


@pytest.fixture(scope="module", params=[2, 3], ids=["two-way", "three-way"])
def market(request, matrix):
    return matrix if request.param == 2 else three_way_league(seasons=3, games=100)


def fitted(name, matrix, seed=3):
    return trainer_for("sklearn", name).fit(matrix, matrix.outcomes, PARAMS[name], seed)


@every_estimator
def test_probabilities_lie_in_the_unit_interval_and_sum_to_one(name, market):
    p = fitted(name, market).predict_proba(market.X)
    assert p.shape == (300, len(market.outcomes))
    assert ((p > 0) & (p < 1)).all()
    np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-12)


@every_estimator
def test_the_first_outcome_is_the_one_labelled_one_and_the_last_the_one_labelled_zero(name, market):
    p = fitted(name, market).predict_proba(market.X)
    assert auc(p[:, 0], market.y == 1) > 0.7
    assert auc(p[:, -1], market.y == 0) > 0.7


@every_estimator
def test_each_outcome_is_as_frequent_in_the_mean_as_in_training(name, market):
    p = fitted(name, market).predict_proba(market.X)
    seen = outcome_columns(market.y, len(market.outcomes))
    frequency = np.bincount(seen) / len(seen)
    np.testing.assert_allclose(p.mean(axis=0), frequency, atol=0.02)


@every_estimator
def test_rows_that_count_half_pull_the_mean_by_half(name):
    matrix = league(seasons=2, games=300)
    halved = replace(matrix, weight=matrix.y.map({1.0: 1.0, 0.0: 0.5}))
    p = fitted(name, halved).predict_proba(matrix.X)[:, 0]
    assert p.mean() == pytest.approx(np.average(matrix.y, weights=halved.weight), abs=0.03)
    assert p.mean() > fitted(name, matrix).predict_proba(matrix.X)[:, 0].mean() + 0.1


def test_two_rows_of_weight_half_are_one_row():
    matrix = league(seasons=2, games=100)
    twice = matrix.take(np.repeat(np.arange(200), 2))
    halved = replace(twice, weight=pd.Series(0.5, index=twice.X.index))
    once, again = (fitted("logistic_regression", each).predict_proba(matrix.X) for each in (matrix, halved))
    np.testing.assert_allclose(again, once, atol=1e-4)


@every_estimator
def test_a_saved_model_loads_equal_to_the_bit(name, market, tmp_path):
    model = fitted(name, market)
    model.save(tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(market.X), model.predict_proba(market.X))
    pd.testing.assert_series_equal(loaded.feature_importance(), model.feature_importance())
    assert loaded.outcomes == model.outcomes
    assert loaded.feature_names == model.feature_names


@every_estimator
def test_the_order_of_columns_is_irrelevant_and_others_are_ignored(name, market):
    model = fitted(name, market)
    shuffled = market.X[list(reversed(market.feature_names))].assign(unknown=1.0)
    np.testing.assert_array_equal(model.predict_proba(shuffled), model.predict_proba(market.X))


@every_estimator
def test_a_missing_column_is_named(name, matrix):
    with pytest.raises(UsageError, match="rest"):
        fitted(name, matrix).predict_proba(matrix.X.drop(columns="rest"))


@every_estimator
def test_inputs_stay_untouched(name, market):
    X, y = market.X.copy(), market.y.copy()
    model = fitted(name, market)
    model.predict_proba(market.X)
    model.contributions(market.X)
    pd.testing.assert_frame_equal(market.X, X)
    pd.testing.assert_series_equal(market.y, y)


@every_estimator
def test_importance_covers_the_features_and_finds_the_strong_one(name, market):
    importance = fitted(name, market).feature_importance()
    assert tuple(importance.index) == market.feature_names
    assert (importance >= 0).all()
    assert importance.idxmax() in {"elo_prob", "elo_draw", "form"}


@every_estimator
def test_contributions_and_base_add_up_to_the_log_odds(name, matrix):
    model = fitted(name, matrix)
    found = model.contributions(matrix.X)
    if name == "hist_gradient_boosting":
        assert found is None
        return
    contributions, base = found
    p = model.predict_proba(matrix.X)[:, 0]
    np.testing.assert_allclose(contributions.sum(axis=1) + base, np.log(p / (1 - p)), atol=1e-6)
    assert tuple(contributions.columns) == FEATURES
    assert contributions.index.equals(matrix.X.index)


@every_estimator
def test_one_seed_gives_equal_bits(name, market):
    first, second = fitted(name, market), fitted(name, market)
    np.testing.assert_array_equal(first.predict_proba(market.X), second.predict_proba(market.X))


@every_estimator
def test_no_rows_give_no_probabilities(name, market):
    assert fitted(name, market).predict_proba(market.X.iloc[:0]).shape == (0, len(market.outcomes))


@every_estimator
def test_a_feature_that_is_never_known_does_no_harm(name, matrix):
    X = matrix.X.assign(never=np.nan)
    model = fitted(name, FeatureMatrix(X, matrix.as_of, matrix.meta, matrix.y))
    assert np.isfinite(model.predict_proba(X)).all()


@every_estimator
def test_another_version_of_the_library_is_refused(name, matrix, tmp_path):
    fitted(name, matrix).save(tmp_path)
    header = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**header, "library_version": "0.1.7"}))
    with pytest.raises(ArtifactError, match=r"0\.1\.7"):
        load_model(tmp_path)


@every_estimator
def test_a_damaged_model_is_refused(name, matrix, tmp_path):
    fitted(name, matrix).save(tmp_path)
    content = next(path for path in tmp_path.iterdir() if path.name != "model.json")
    content.write_bytes(b"tree\nbroken")
    with pytest.raises(ArtifactError, match="damaged"):
        load_model(tmp_path)


@every_estimator
def test_parameters_that_change_the_prior_or_do_not_exist_are_refused(name, matrix):
    trainer = trainer_for("sklearn", name)
    with pytest.raises(UsageError, match="prior"):
        trainer.fit(matrix, OUTCOMES, {"class_weight": "balanced"}, 1)
    with pytest.raises(UsageError, match="magic"):
        trainer.fit(matrix, OUTCOMES, {"magic": 1}, 1)


@every_estimator
def test_permuted_labels_teach_nothing(name):
    # one test season: pooled ones differ in their training mean, which alone moves a pooled AUC off .5
    matrix = league(seasons=4, games=300, permuted=True)
    made = Candidate(name, trainer_for("sklearn", name), OUTCOMES, PARAMS[name], 3)
    oof = out_of_fold(made, matrix, walk_forward(matrix, test_from=2003))
    assert abs(auc(oof["p"], oof["y"]) - 0.5) < 3 * auc_null_sd(len(oof))


@every_estimator
def test_three_outcomes_have_no_exact_contributions(name):
    matrix = three_way_league(seasons=2, games=60)
    assert fitted(name, matrix).contributions(matrix.X) is None


@every_estimator
def test_permuted_three_way_labels_teach_nothing(name):
    matrix = three_way_league(seasons=4, games=360, permuted=True)
    made = Candidate(name, trainer_for("sklearn", name), THREE_WAY, PARAMS[name], 3)
    oof = out_of_fold(made, matrix, walk_forward(matrix, test_from=2003))
    assert abs(auc(oof["p"], oof["y"] == 1) - 0.5) < 3 * auc_null_sd(len(oof))


def test_linear_contributions_are_the_closed_form(matrix):
    model = fitted("logistic_regression", matrix)
    contributions, _ = model.contributions(matrix.X)
    column = matrix.X["noise"]
    weight = float(model.estimator.pipeline[-1].coef_[0][FEATURES.index("noise")])
    expected = weight * (column - column.mean()) / column.std(ddof=0)
    np.testing.assert_allclose(contributions["noise"], expected, atol=1e-12)


@pytest.mark.parametrize("framework", ["fortran", "ensemble"])
def test_an_unknown_framework_is_a_usage_error(framework):
    with pytest.raises(UsageError, match=framework):
        trainer_for(framework)


def test_an_unknown_estimator_is_a_usage_error_that_lists_the_known(matrix):
    with pytest.raises(UsageError, match="lightgbm"):
        trainer_for("sklearn", "oracle").fit(matrix, OUTCOMES, {}, 1)


def test_unlabelled_or_one_sided_rows_cannot_be_trained_on(matrix):
    trainer = trainer_for("sklearn", "logistic_regression")
    with pytest.raises(UsageError, match="without a label"):
        trainer.fit(league(seasons=1, pushes=True), OUTCOMES, {}, 1)
    with pytest.raises(UsageError, match="all 2 are needed"):
        trainer.fit(matrix.take((matrix.y == 1).to_numpy()), OUTCOMES, {}, 1)
    with pytest.raises(UsageError, match="all 3 are needed"):
        trainer.fit(matrix, (Selection.HOME, Selection.DRAW, Selection.AWAY), {}, 1)


def test_without_libgomp_histograms_stand_in_for_lightgbm_and_say_so(matrix, monkeypatch, caplog):
    monkeypatch.setattr(estimators, "lightgbm_loads", lambda: False)
    estimators.say_stand_in.cache_clear()  # said once a process
    monkeypatch.setattr(estimators.logging.getLogger("aipro_ml"), "propagate", True)
    model = trainer_for("sklearn", "lightgbm").fit(matrix, OUTCOMES, PARAMS["lightgbm"], 1)
    assert model.estimator.name == "hist_gradient_boosting"
    assert model.estimator.classifier.max_iter == 20
    assert "libgomp1" in caplog.text


def test_no_model_in_a_folder_is_one_clear_error(tmp_path):
    with pytest.raises(ArtifactError, match=r"model\.json"):
        load_model(tmp_path)
