"""A training with `stack: true`: the ensemble it leaves, what becomes of it on resuming, and where a member fails."""

from datetime import timedelta

import numpy as np
import pytest

from aipro_ml.config import ModelConfig, TrainingConfig
from aipro_ml.db.repositories import predictions
from aipro_ml.enums import BetType, CalibrationMethod
from aipro_ml.inference.ledger import verify
from aipro_ml.jobs.calibrate import calibrate
from aipro_ml.jobs.predict import predict
from aipro_ml.jobs.promote import Decision, promote
from aipro_ml.jobs.train import TrainingRequest, Way, train, train_all
from aipro_ml.training.artifacts import read_artifact
from tests.fixtures_platform import LOGISTIC, NOW, SPORT, past_week_request

TREES = ModelConfig(
    name="trees",
    framework="sklearn",
    estimator="sklearn.ensemble.ExtraTreesClassifier",
    features="all",
    params={"n_estimators": 10, "min_samples_leaf": 40},
)
STEPS = ModelConfig(
    name="steps", framework="sklearn", estimator="hist_gradient_boosting", params={"max_iter": 10, "max_leaf_nodes": 4}
)


def request(*models):
    config = TrainingConfig(models={BetType.MONEYLINE: models}, stack=True)
    return TrainingRequest(SPORT, BetType.MONEYLINE, config, NOW + timedelta(hours=1), 2023, 2024)


@pytest.fixture
def mine(own_artifacts, untracked):
    yield own_artifacts
    own_artifacts.close()


def test_a_stack_is_a_model_like_any_other_and_a_resumed_training_finds_it(mine):
    report = train(mine.engine, mine.settings, request(LOGISTIC, TREES))
    names = [row.name for row in report.models]
    assert names == ["logistic", "trees", "stack"]
    assert {"stack", "blend", "market", "constant", "elo"} <= {row.name for row in report.leaderboard}
    told = [(each["row"], each["of"]) for each in report.coefficients]
    assert told == [("stack", "logistic"), ("stack", "trees"), ("blend", "stack"), ("blend", "market")]
    stack = report.models[-1]
    (row,) = mine.rows("SELECT * FROM ml_models WHERE framework = 'ensemble'")
    assert row["id"] == stack.model_id
    metrics = row["performance_metrics"]
    assert [each["coefficient"] for each in metrics["coefficients"]] == [
        each["coefficient"] for each in report.coefficients[:2]
    ]
    assert set(metrics["identity"]["config"]["params"]["members"].values()) == {
        str(model.model_id) for model in report.models[:2]
    }
    assert metrics["repeatable"] is True
    assert mine.one("SELECT count(*) FROM training_runs WHERE status <> 'completed'") == 0
    artifact = read_artifact(stack.folder)
    assert artifact.model.feature_names == tuple(metrics["features"])
    assert tuple(artifact.background.columns) == artifact.model.feature_names  # the trees have no contributions
    assert mine.one("SELECT count(*) FROM feature_importance WHERE model_id = :id", id=stack.model_id) == len(
        metrics["features"]
    )
    (again,) = train_all(mine.engine, mine.settings, [request(LOGISTIC, TREES)], Way(resume=True))
    assert [(model.model_id, model.is_reused) for model in again.models] == [
        (model.model_id, True) for model in report.models
    ]
    assert again.leaderboard == report.leaderboard
    assert again.coefficients == report.coefficients
    calibrated = calibrate(mine.engine, mine.settings, str(stack.model_id), CalibrationMethod.AUTO, NOW, dry_run=True)
    assert calibrated.published_log_loss is not None


def test_a_stack_is_promoted_published_and_explained_by_its_members_own_forms(mine):
    report = train(mine.engine, mine.settings, request(LOGISTIC, STEPS))
    stack, now = str(report.models[-1].model_id), NOW + timedelta(hours=1)
    calibrate(mine.engine, mine.settings, stack, CalibrationMethod.AUTO, now)
    promoted = promote(mine.engine, mine.settings, stack, Decision("the pool", "tests", now, force=True))
    assert (promoted.changed, promoted.gate.checks != ()) == (True, True)
    (run, *others) = predict(mine.engine, mine.settings, past_week_request(now=now, model=stack))
    assert sum(each.published for each in [run, *others]) > 10
    rows = mine.rows(
        "SELECT f.probability, s.total FROM fact_predictions f JOIN (SELECT prediction_id, sum(shap_value) AS total "
        "FROM shap_explanations GROUP BY 1) s USING (prediction_id)"
    )
    p, total = np.array([[float(row["probability"]), float(row["total"])] for row in rows]).T
    np.testing.assert_allclose(total, np.log(p / (1 - p)), atol=1e-6)
    with mine.engine.connect() as connection:
        assert verify(predictions.ledger_rows(connection)) == []


def test_where_a_member_fails_the_stack_fails_and_the_others_stay(mine):
    bad = ModelConfig(name="bad", framework="sklearn", estimator="logistic_regression", params={"depth": 3})
    report = train(mine.engine, mine.settings, request(TREES, bad))
    assert [row.name for row in report.models] == ["trees"]
    assert [row.name for row in report.failures] == ["bad", "stack"]
    assert "its members bad failed" in str(report.failures[1].error)
    assert mine.one("SELECT count(*) FROM training_runs WHERE status = 'running'") == 0
    assert "logistic_regression" in {row.name for row in report.leaderboard}


def test_a_training_without_logistic_regression_has_it_as_a_baseline(mine):
    report = train(mine.engine, mine.settings, request(TREES))
    (row,) = [row for row in report.leaderboard if row.name == "logistic_regression"]
    assert row.framework == "baseline"
    assert report.coefficients == ()
