"""Classifiers named in a configuration by their dotted name."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aipro_ml.enums import BetType
from aipro_ml.errors import ArtifactError, UsageError
from aipro_ml.inference.explain import explain
from aipro_ml.inference.prediction import Prediction
from aipro_ml.metrics import auc
from aipro_ml.training.named import why_unrepeatable
from aipro_ml.training.registry import load_model, trainer_for
from tests.training.league import league, three_way_league

FOREST = "sklearn.ensemble.RandomForestClassifier"
NEIGHBOURS = "sklearn.neighbors.KNeighborsClassifier"
PARAMS = {
    FOREST: {"n_estimators": 20, "min_samples_leaf": 10},
    NEIGHBOURS: {"n_neighbors": 15},
    "sklearn.neural_network.MLPClassifier": {"hidden_layer_sizes": [4], "alpha": 1.0, "max_iter": 500},
    "sklearn.naive_bayes.GaussianNB": {},
    "sklearn.ensemble.HistGradientBoostingClassifier": {"max_iter": 20, "max_leaf_nodes": 4},
    "lightgbm.LGBMClassifier": {"n_estimators": 20, "num_leaves": 4},
}
every_estimator = pytest.mark.parametrize("name", sorted(PARAMS))


@pytest.fixture(scope="module", params=[2, 3], ids=["two-way", "three-way"])
def market(request):
    return league(seasons=3, games=100) if request.param == 2 else three_way_league(seasons=3, games=100)


@pytest.fixture(scope="module")
def matrix():
    return league(seasons=3, games=100)


def fitted(name, matrix, **params):
    return trainer_for("sklearn", name).fit(matrix, matrix.outcomes, {**PARAMS.get(name, {}), **params}, 3)


@every_estimator
def test_it_fits_repeats_and_loads_to_the_bit(name, market, tmp_path):
    model = fitted(name, market)
    p = model.predict_proba(market.X)
    assert p.shape == (300, len(market.outcomes))
    assert ((p > 0) & (p < 1)).all()
    np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-12)
    assert auc(p[:, 0], market.y == 1) > 0.65
    assert auc(p[:, -1], market.y == 0) > 0.65
    np.testing.assert_array_equal(fitted(name, market).predict_proba(market.X), p)
    model.save(tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(market.X), p)
    pd.testing.assert_series_equal(loaded.feature_importance(), model.feature_importance())
    importance = model.feature_importance()
    assert tuple(importance.index) == market.feature_names
    assert (importance >= 0).all()
    assert importance.max() > 0


@every_estimator
def test_a_feature_that_is_never_known_does_no_harm(name, matrix):
    X = matrix.X.assign(never=np.nan)
    model = fitted(name, replace(matrix, X=X))
    assert np.isfinite(model.predict_proba(X)).all()
    assert np.isfinite(model.predict_proba(X.assign(never=1.0, rest=np.nan))).all()


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("sklearn.linear_model.Ridge", {}, "no classifier"),
        ("sklearn.svm.LinearSVC", {}, "no probabilities"),
        ("sklearn.linear_model.SGDClassifier", {}, "no probabilities"),
        ("sklearn.ensemble.Oracle", {}, "not found"),
        ("sklearn.ensemble._forest.ForestClassifier", {}, "only public classes"),
        ("sklearn.ensemble.VotingClassifier", {}, "estimators"),
        ("os.path.join", {}, "unknown"),
        (FOREST, {"class_weight": "balanced"}, "changes the prior"),
        ("sklearn.naive_bayes.GaussianNB", {"priors": [0.5, 0.5]}, "changes the prior"),
        (FOREST, {"depth": 3}, "'depth' cannot be set; there are: bootstrap"),
        (FOREST, {"random_state": 3}, "cannot be set"),
        (FOREST, {"max_depth": "deep"}, "max_depth"),
        (NEIGHBOURS, {"impute": "none"}, "takes no unknown values"),
        (NEIGHBOURS, {"impute": "guess"}, "impute is 'guess'; it may be median"),
    ],
)
def test_what_cannot_be_is_one_clear_error(matrix, name, params, said):
    with pytest.raises(UsageError, match=said) as caught:
        trainer_for("sklearn", name).fit(matrix, matrix.outcomes, params, 3)
    assert name in str(caught.value)


def test_a_loss_that_gives_probabilities_makes_a_classifier_usable(matrix):
    p = fitted("sklearn.linear_model.SGDClassifier", matrix, loss="log_loss").predict_proba(matrix.X)
    assert auc(p[:, 0], matrix.y == 1) > 0.65


def test_a_leaf_without_a_loss_is_not_certain(matrix):
    p = fitted(NEIGHBOURS, matrix, n_neighbors=1).predict_proba(matrix.X)
    assert p.min() == pytest.approx(1 / 302, rel=0.01)


def test_rows_that_count_half_pull_the_mean_and_are_refused_where_they_cannot(matrix):
    halved = replace(matrix, weight=matrix.y.map({1.0: 1.0, 0.0: 0.5}))
    whole, half = (fitted(FOREST, each).predict_proba(matrix.X)[:, 0].mean() for each in (matrix, halved))
    assert half > whole + 0.1
    with pytest.raises(UsageError, match="cannot weigh rows"):
        fitted(NEIGHBOURS, halved)


def test_scaling_is_an_option(matrix):
    far = replace(matrix, X=matrix.X.assign(rest=matrix.X["rest"] * 1024))
    for scale, same in ((True, True), (False, False)):
        near, other = (fitted(NEIGHBOURS, each, scale=scale).predict_proba(each.X) for each in (matrix, far))
        assert np.allclose(near, other) is same


def test_threads_may_change_the_last_bit_and_say_so():
    assert why_unrepeatable({"n_estimators": 5}) is None
    assert "n_jobs is 4" in why_unrepeatable({"n_jobs": 4})


def test_another_version_of_the_library_is_refused(matrix, tmp_path):
    fitted(FOREST, matrix).save(tmp_path)
    header = json.loads((tmp_path / "model.json").read_text())
    assert (header["estimator"], header["library"]) == (FOREST, "scikit-learn")
    (tmp_path / "model.json").write_text(json.dumps({**header, "library_version": "0.1.7"}))
    with pytest.raises(ArtifactError, match=r"0\.1\.7"):
        load_model(tmp_path)


def test_a_library_s_warning_is_logged_once_and_never_printed(matrix, recwarn, caplog, monkeypatch):
    import logging

    monkeypatch.setattr(logging.getLogger("aipro_ml"), "propagate", True)
    for _ in range(2):
        fitted("sklearn.neural_network.MLPClassifier", matrix, max_iter=2, hidden_layer_sizes=[3])
    told = [record.message for record in caplog.records if "iterations" in record.message.lower()]
    assert len(told) == 1
    assert not recwarn.list


def test_a_forest_is_explained_by_permutation(matrix):
    model = fitted(FOREST, matrix)
    assert model.contributions(matrix.X) is None
    p = float(model.predict_proba(matrix.X.iloc[:1])[0, 0])
    said = prediction(matrix, p)
    found = explain(model, matrix.X, [said], background=matrix.X.iloc[50:70], seed=1)
    assert found["shap_value"].sum() == pytest.approx(np.log(p / (1 - p)), abs=1e-5)


def prediction(matrix, p):
    return Prediction(
        game_id=matrix.X.index[0], model_id="m", bet_type=BetType.MONEYLINE, predicted_side=matrix.outcomes[0],
        probability=p, edge=None, kelly_fraction=0.0, signal_tier="D", line_at_prediction=None,
        odds_at_prediction=None, as_of=matrix.as_of.iloc[0].to_pydatetime(), model_probability=p,
        calibrated_probability=p, book=None, ev=None, push_probability=0.0, fair_probability=p,
    )  # fmt: skip
