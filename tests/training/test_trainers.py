"""What the scikit-learn family does beside the contract of every trainer."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from aipro_ml.enums import Selection
from aipro_ml.errors import ArtifactError, UsageError
from aipro_ml.training import estimators
from aipro_ml.training.registry import load_model, trainer_for
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
    return trainer_for("sklearn", name).fit(matrix, matrix.outcomes, PARAMS[name], seed)


def test_two_rows_of_weight_half_are_one_row():
    matrix = league(seasons=2, games=100)
    twice = matrix.take(np.repeat(np.arange(200), 2))
    halved = replace(twice, weight=pd.Series(0.5, index=twice.X.index))
    once, again = (fitted("logistic_regression", each).predict_proba(matrix.X) for each in (matrix, halved))
    np.testing.assert_allclose(again, once, atol=1e-4)


@every_estimator
def test_parameters_that_change_the_prior_are_refused(name, matrix):
    trainer = trainer_for("sklearn", name)
    with pytest.raises(UsageError, match="prior"):
        trainer.fit(matrix, OUTCOMES, {"class_weight": "balanced"}, 1)


def test_linear_contributions_are_the_closed_form(matrix):
    model = fitted("logistic_regression", matrix)
    contributions, _ = model.contributions(matrix.X)
    column = matrix.X["noise"]
    weight = float(model.estimator.pipeline[-1].coef_[0][FEATURES.index("noise")])
    expected = weight * (column - column.mean()) / column.std(ddof=0)
    np.testing.assert_allclose(contributions["noise"], expected, atol=1e-12)


@pytest.mark.parametrize("framework", ["fortran"])
def test_an_unknown_framework_is_a_usage_error(framework):
    with pytest.raises(UsageError, match=framework):
        trainer_for(framework)


def test_an_unknown_estimator_is_a_usage_error_that_lists_the_known(matrix):
    with pytest.raises(UsageError, match="lightgbm"):
        trainer_for("sklearn", "oracle").fit(matrix, OUTCOMES, {}, 1)


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


@every_estimator
def test_the_bytes_of_a_model_do_not_hang_on_threads_or_on_the_process_its_rows_came_from(name, matrix, tmp_path):
    travelled = pickle.loads(pickle.dumps(matrix))
    for place, rows, threads in (("here", matrix, 1), ("there", travelled, 2)):
        with threadpool_limits(threads):
            fitted(name, rows).save(tmp_path / place)
    written = [{path.name: path.read_bytes() for path in (tmp_path / place).iterdir()} for place in ("here", "there")]
    assert written[0] == written[1]
