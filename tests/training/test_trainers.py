"""The contract every estimator fulfils."""

import json

import numpy as np
import pandas as pd
import pytest

from aipro_ml.enums import BetType, Selection
from aipro_ml.errors import ArtifactError, UsageError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.metrics import auc, auc_null_sd
from aipro_ml.training import estimators
from aipro_ml.training.registry import load_model, outcomes_of, trainer_for
from aipro_ml.training.splits import walk_forward
from aipro_ml.training.walkforward import Candidate, out_of_fold
from tests.training.league import FEATURES, league

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


def fitted(name, matrix, seed=3):
    return trainer_for("sklearn", name).fit(matrix, OUTCOMES, PARAMS[name], seed)


@every_estimator
def test_probabilities_lie_in_the_unit_interval_and_sum_to_one(name, matrix):
    p = fitted(name, matrix).predict_proba(matrix.X)
    assert p.shape == (300, 2)
    assert ((p > 0) & (p < 1)).all()
    np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-12)


@every_estimator
def test_the_first_outcome_is_the_one_labelled_one(name, matrix):
    p = fitted(name, matrix).predict_proba(matrix.X)[:, 0]
    assert auc(p, matrix.y) > 0.7


@every_estimator
def test_a_saved_model_loads_equal_to_the_bit(name, matrix, tmp_path):
    model = fitted(name, matrix)
    model.save(tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(matrix.X), model.predict_proba(matrix.X))
    pd.testing.assert_series_equal(loaded.feature_importance(), model.feature_importance())
    assert loaded.outcomes == model.outcomes
    assert loaded.feature_names == model.feature_names


@every_estimator
def test_the_order_of_columns_is_irrelevant_and_others_are_ignored(name, matrix):
    model = fitted(name, matrix)
    shuffled = matrix.X[list(reversed(FEATURES))].assign(unknown=1.0)
    np.testing.assert_array_equal(model.predict_proba(shuffled), model.predict_proba(matrix.X))


@every_estimator
def test_a_missing_column_is_named(name, matrix):
    with pytest.raises(UsageError, match="rest"):
        fitted(name, matrix).predict_proba(matrix.X.drop(columns="rest"))


@every_estimator
def test_inputs_stay_untouched(name, matrix):
    X, y = matrix.X.copy(), matrix.y.copy()
    model = fitted(name, matrix)
    model.predict_proba(matrix.X)
    model.contributions(matrix.X)
    pd.testing.assert_frame_equal(matrix.X, X)
    pd.testing.assert_series_equal(matrix.y, y)


@every_estimator
def test_importance_covers_the_features_and_finds_the_strong_one(name, matrix):
    importance = fitted(name, matrix).feature_importance()
    assert tuple(importance.index) == FEATURES
    assert (importance >= 0).all()
    assert importance.idxmax() in {"elo_prob", "form"}


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
def test_one_seed_gives_equal_bits(name, matrix):
    first, second = fitted(name, matrix), fitted(name, matrix)
    np.testing.assert_array_equal(first.predict_proba(matrix.X), second.predict_proba(matrix.X))


@every_estimator
def test_no_rows_give_no_probabilities(name, matrix):
    assert fitted(name, matrix).predict_proba(matrix.X.iloc[:0]).shape == (0, 2)


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
    with pytest.raises(UsageError, match="both are needed"):
        trainer.fit(matrix.take((matrix.y == 1).to_numpy()), OUTCOMES, {}, 1)
    with pytest.raises(UsageError, match="3 outcomes"):
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


def test_the_reference_side_is_the_first_outcome():
    assert outcomes_of(BetType.TOTAL) == (Selection.OVER, Selection.UNDER)
    assert outcomes_of(BetType.SPREAD) == (Selection.HOME, Selection.AWAY)
