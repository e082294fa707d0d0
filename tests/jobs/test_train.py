"""Training against the database: what a run leaves behind when it ends well, badly, or not at all."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from aipro_ml.config import ModelConfig
from aipro_ml.enums import BetType
from aipro_ml.errors import ArtifactError, UsageError
from aipro_ml.jobs.predict import predict
from aipro_ml.jobs.train import TrainingRequest, plan, train
from tests.fixtures_platform import LOGISTIC, NOW, SPORT, open_week_request, training

LATER = NOW + timedelta(hours=1)


def request(*models, **changed):
    facts = {"test_from": 2023, "test_to": 2024, "now": LATER, "bet_type": BetType.MONEYLINE} | changed
    return TrainingRequest(SPORT, config=training(*models), **facts)


def go(platform, asked):
    return train(platform.engine, platform.settings, asked)


def model_of(platform, bet_type="moneyline"):
    (row,) = platform.rows("SELECT * FROM ml_models WHERE bet_type = :bet_type", bet_type=bet_type)
    return row


@pytest.fixture
def mine(own_artifacts):
    """The trained league with artifacts of its own."""
    yield own_artifacts
    own_artifacts.close()


def test_the_same_request_finds_the_same_model_and_adds_a_run(mine, untracked):
    before = model_of(mine)
    runs = mine.one("SELECT count(*) FROM training_runs")
    report = go(mine, request())
    (model,) = report.models
    assert (model.model_id, model.is_new) == (before["id"], False)
    assert model_of(mine) == before
    assert mine.one("SELECT count(*) FROM training_runs") == runs + 1
    again = mine.rows("SELECT * FROM training_runs WHERE model_id = :id ORDER BY started_at", id=before["id"])
    assert [row["status"] for row in again] == ["completed", "completed"]
    assert again[0]["validation_metrics"] == again[1]["validation_metrics"]
    assert len({row["training_data_hash"] for row in again}) == 1


def test_a_run_holds_parameters_metrics_data_hash_and_times(trained):
    for row in trained.rows("SELECT * FROM training_runs"):
        assert row["status"] == "completed"
        assert row["hyperparameters"]["params"] == {"C": 0.01}
        assert row["hyperparameters"]["test_seasons"] == [2023, 2024]
        assert len(row["training_data_hash"]) == 64
        assert row["validation_metrics"]["n"] > 500
        assert row["completed_at"] >= row["started_at"]
        assert row["error_message"] is None


def test_every_feature_has_a_ranked_importance(trained):
    model = model_of(trained)
    rows = trained.rows(
        "SELECT * FROM feature_importance WHERE model_id = :id ORDER BY importance_rank", id=model["id"]
    )
    assert [row["importance_rank"] for row in rows] == list(range(1, len(rows) + 1))
    assert {row["feature_name"] for row in rows} == set(model["performance_metrics"]["features"])
    scores = [row["importance_score"] for row in rows]
    assert scores == sorted(scores, reverse=True)


def test_the_leaderboard_has_the_baselines_beside_the_models(mine, untracked):
    report = go(mine, request())
    names = [row.fields["name"] for row in report.leaderboard]
    assert {"constant", "elo", "market", "logistic"} <= set(names)
    assert {
        "name", "framework", "n", "log_loss", "brier", "auc", "accuracy", "ece", "ece_null",
        "delta_log_loss_vs_market", "ci_low", "ci_high",
    } <= report.leaderboard[0].fields.keys()  # fmt: skip


def test_other_data_is_another_model(mine, untracked):
    before = model_of(mine)["id"]
    assert go(mine, request(test_to=2023)).models[0].model_id != before
    assert go(mine, request(ModelConfig(**{**LOGISTIC.model_dump(), "params": {"C": 0.5}}))).models[0].is_new


@pytest.mark.parametrize(
    ("params", "said"),
    [({"depth": 3}, "parameter 'depth' cannot be set"), ({"class_weight": "balanced"}, "changes the prior")],
)
def test_a_candidate_that_cannot_be_fitted_leaves_its_run_failed_with_the_error(mine, untracked, params, said):
    models = mine.one("SELECT count(*) FROM ml_models")
    bad = ModelConfig(name="bad", framework="sklearn", estimator="logistic_regression", params=params)
    with pytest.raises(UsageError, match=said):
        go(mine, request(bad))
    (failed,) = mine.rows("SELECT * FROM training_runs WHERE status = 'failed'")
    assert said in failed["error_message"]
    assert (failed["model_id"], failed["completed_at"] is not None) == (None, True)
    assert mine.one("SELECT count(*) FROM ml_models") == models
    assert mine.one("SELECT count(*) FROM training_runs WHERE status = 'running'") == 0


def test_a_failing_candidate_takes_no_other_with_it(mine, untracked):
    bad = ModelConfig(name="bad", framework="sklearn", estimator="logistic_regression", params={"depth": 3})
    report = go(mine, request(bad, LOGISTIC))
    assert [row.name for row in report.models] == ["logistic"]
    (failure,) = report.failures
    assert (failure.name, "'depth' cannot be set" in str(failure.error)) == ("bad", True)
    assert {"logistic", "market"} <= {row.name for row in report.leaderboard}
    assert mine.rows("SELECT status FROM training_runs WHERE status = 'running'") == []


def test_a_run_left_running_for_long_is_marked_failed_and_a_fresh_one_is_not(trained):
    insert = "INSERT INTO training_runs (id, status, started_at) VALUES (gen_random_uuid(), 'running', :at)"
    with trained.engine.begin() as connection:
        for hours in (1, 48):
            at = (LATER - timedelta(hours=hours)).replace(tzinfo=None)
            connection.execute(sa.text(insert), {"at": at})
    with pytest.raises(UsageError, match="test seasons"):
        go(trained, request(test_from=1990))
    rows = trained.rows("SELECT status, error_message FROM training_runs WHERE model_id IS NULL ORDER BY started_at")
    assert [row["status"] for row in rows] == ["failed", "running"]
    assert rows[0]["error_message"] == "the training process ended"


def test_a_damaged_artifact_is_refused_at_prediction_and_made_whole_by_training_again(mine, untracked):
    place = mine.settings.artifacts_dir / model_of(mine)["file_path"] / "oof.parquet"
    whole = place.read_bytes()
    place.write_bytes(whole[:-1])
    with pytest.raises(ArtifactError, match=r"oof\.parquet: damaged"):
        predict(mine.engine, mine.settings, open_week_request())
    assert mine.one("SELECT count(*) FROM fact_predictions") == 0
    go(mine, request())
    assert place.read_bytes() == whole
    reports = predict(mine.engine, mine.settings, open_week_request())
    assert sum(report.written for report in reports) == 42


def test_an_artifact_swapped_for_another_whole_one_is_refused(mine):
    moneyline, spread = (
        mine.settings.artifacts_dir / model_of(mine, name)["file_path"] for name in ("moneyline", "spread")
    )
    moneyline.rename(moneyline.with_name("aside"))
    spread.rename(moneyline)
    with pytest.raises(ArtifactError):
        predict(mine.engine, mine.settings, open_week_request())


def test_a_damaged_calibrator_or_blend_is_refused(mine):
    (place,) = (mine.settings.artifacts_dir / (model_of(mine)["file_path"] + ".calibration")).glob("blend-*.json")
    text = place.read_text()
    place.write_text(text.replace('"market_coef":1', '"market_coef":2'))
    assert place.read_text() != text
    with pytest.raises(ArtifactError):
        predict(mine.engine, mine.settings, open_week_request())


def test_an_outage_of_mlflow_only_warns(mine):
    address = "postgresql+psycopg://nobody:secret-word@127.0.0.1:1/none"
    mine.settings = mine.settings.model_copy(update={"mlflow_tracking_uri": address})
    report = go(mine, request())
    assert report.models[0].model_id == model_of(mine)["id"]
    assert report.tracking_problem
    assert "secret-word" not in report.tracking_problem
    assert "\n" not in report.tracking_problem


def test_a_dry_run_says_what_would_be_trained_and_writes_nothing(trained):
    before = trained.snapshot()
    rows = plan(trained.engine, request())
    assert [row["test season"] for row in rows] == [2023, 2024]
    assert rows[0]["train rows"] < rows[1]["train rows"]
    assert trained.snapshot() == before


def test_a_sport_without_data_or_models_is_a_usage_error(trained):
    with pytest.raises(UsageError, match="no data of sport NFL: import it first"):
        train(trained.engine, trained.settings, TrainingRequest("NFL", BetType.TOTAL, training(), NOW))
    with pytest.raises(UsageError, match=r"unknown sport 'CURLING'; known: .*NFL.*, SIM-NFL"):
        train(trained.engine, trained.settings, TrainingRequest("CURLING", BetType.TOTAL, training(), NOW))
