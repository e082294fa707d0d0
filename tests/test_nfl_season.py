"""The real NFL from the file to graded weeks of 2022: imported, trained, predicted and graded through the database."""

from datetime import UTC, datetime, timedelta

import pytest

from aipro_ml.config import ModelConfig, TrainingConfig, training_config
from aipro_ml.db.repositories.predictions import ledger_rows
from aipro_ml.enums import BetType, CalibrationMethod
from aipro_ml.inference.prediction import prediction_hash_of
from aipro_ml.jobs import track
from aipro_ml.jobs.calibrate import calibrate
from aipro_ml.jobs.grade import grade_sport
from aipro_ml.jobs.importing import import_nflverse
from aipro_ml.jobs.ingest import ImportOptions
from aipro_ml.jobs.listings import verify_ledger
from aipro_ml.jobs.performance import update_performance
from aipro_ml.jobs.predict import PredictionRequest, predict
from aipro_ml.jobs.promote import Decision, promote
from aipro_ml.jobs.train import TrainingRequest, train
from tests.fixtures_platform import Platform

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WEEKS = (1, 2, 3)
LIBRARY_DEFAULT = ModelConfig(name="default", framework="sklearn", estimator="lightgbm")


@pytest.fixture(scope="module")
def nfl(server, template, tmp_path_factory, nflverse_file):
    """The shared file imported into a database of its own."""
    with server.database(template) as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(track, "track_training", lambda *_: 0)
        platform = Platform(server.settings(tmp_path_factory.mktemp("nfl"), name))
        platform.first = import_nflverse(platform.settings, str(nflverse_file), ImportOptions(NOW))
        yield platform
        platform.close()


@pytest.fixture(scope="module")
def moneyline(nfl):
    """The training that methods §12 gives the figures of: test seasons 2012 to 2022, from 2001 on."""
    models = (*training_config().models[BetType.MONEYLINE], LIBRARY_DEFAULT)
    config = TrainingConfig(train_from=2001, models={BetType.MONEYLINE: models})
    return train(nfl.engine, nfl.settings, TrainingRequest("NFL", BetType.MONEYLINE, config, NOW, 2012, 2022))


def model_of(report, name):
    return next(str(row.model_id) for row in report.models if row.name == name)


def test_the_file_lands_whole_and_a_second_import_writes_no_row(nfl, nflverse_file):
    assert nfl.first.games_inserted == nfl.one("SELECT count(*) FROM games") == 6421
    assert nfl.first.rejected == 0
    assert nfl.one("SELECT count(*) FROM teams") == 32
    before = nfl.snapshot()
    assert import_nflverse(nfl.settings, str(nflverse_file), ImportOptions(NOW + timedelta(days=1))).rows_written == 0
    assert nfl.snapshot() == before


def test_moneyline_training_meets_the_acceptance_numbers(moneyline):
    rows = {row.fields["name"]: row.fields for row in moneyline.leaderboard}
    assert {rows[name]["n"] for name in ("market", "elo", "logistic", "lightgbm_small", "default")} == {2961}
    loss = {name: row["log_loss"] for name, row in rows.items()}
    assert loss["market"] == pytest.approx(0.6094, abs=0.0005)
    assert loss["elo"] == pytest.approx(0.631, abs=0.003)
    assert loss["logistic"] == pytest.approx(0.6277, abs=0.004)
    assert loss["lightgbm_small"] == pytest.approx(0.6306, abs=0.004)
    assert loss["default"] == pytest.approx(0.669, abs=0.006)


def test_pooled_platt_repairs_the_library_s_defaults(nfl, moneyline):
    report = calibrate(nfl.engine, nfl.settings, model_of(moneyline, "default"), CalibrationMethod.PLATT, NOW)
    losses = report.choice.log_losses
    assert losses[CalibrationMethod.NONE] - losses[CalibrationMethod.PLATT] > 0.012


def test_the_blend_leaves_the_model_next_to_nothing(nfl, moneyline):
    report = calibrate(nfl.engine, nfl.settings, model_of(moneyline, "logistic"), CalibrationMethod.AUTO, NOW)
    assert abs(report.blend.model_coef) < 0.2
    assert report.blend.market_coef > 0.7


def test_the_spread_is_a_coin(nfl):
    report = train(nfl.engine, nfl.settings, TrainingRequest("NFL", BetType.SPREAD, training_config(), NOW, 2012, 2022))
    for row in report.leaderboard:
        if row.fields["name"] in {"logistic", "lightgbm_small"}:
            assert 0.47 <= row.fields["auc"] <= 0.53


def test_weeks_of_2022_are_predicted_graded_and_replayed(nfl):
    logistic = training_config().models[BetType.MONEYLINE][:1]
    config = TrainingConfig(models=dict.fromkeys(BetType, logistic))
    for bet_type in BetType:
        report = train(nfl.engine, nfl.settings, TrainingRequest("NFL", bet_type, config, NOW, 2016, 2021))
        calibrate(nfl.engine, nfl.settings, model_of(report, "logistic"), CalibrationMethod.AUTO, NOW)
        promote(nfl.engine, nfl.settings, model_of(report, "logistic"), Decision("replay", "tests", NOW))
    requests = [PredictionRequest("NFL", NOW, season=2022, week=week) for week in WEEKS]
    runs = [run for request in requests for run in predict(nfl.engine, nfl.settings, request)]
    games = nfl.one(
        "SELECT count(*) FROM games g JOIN seasons s ON s.id = g.season_id WHERE s.year = 2022 AND g.week <= 3"
    )
    assert sum(run.games for run in runs) == games
    published, abstained = sum(run.published for run in runs), sum(sum(run.abstained.values()) for run in runs)
    assert published + abstained == games * 3
    assert published > games * 2.9
    graded = grade_sport(nfl.engine, "NFL", NOW).accounting
    assert (graded.graded, graded.total) == (published, published)
    update_performance(nfl.engine, "NFL", NOW, backfilled=True)

    with nfl.engine.connect() as connection:
        rows = ledger_rows(connection)
    assert len(rows) == published
    assert [prediction_hash_of(row) for row in rows] == [row["prediction_hash"] for row in rows]
    assert verify_ledger(nfl.settings, None)[2] == []
    before = nfl.snapshot()
    later = NOW + timedelta(days=1)
    for week in WEEKS:
        again = predict(nfl.engine, nfl.settings, PredictionRequest("NFL", later, season=2022, week=week))
        assert [run.written for run in again] == [0] * len(again)
    assert grade_sport(nfl.engine, "NFL", later).inserted == 0
    update_performance(nfl.engine, "NFL", later, backfilled=True)
    assert nfl.snapshot() == before
