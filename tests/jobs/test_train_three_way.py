"""A soccer league from import to ledger, moneyline and quarter lines: trained, promoted, predicted and graded."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml.db.repositories import predictions
from aipro_ml.enums import BetType, CalibrationMethod
from aipro_ml.inference.ledger import verify
from aipro_ml.jobs.calibrate import calibrate
from aipro_ml.jobs.grade import grade_sport
from aipro_ml.jobs.ingest import ImportOptions, import_batch
from aipro_ml.jobs.performance import update_performance
from aipro_ml.jobs.predict import PredictionRequest, predict
from aipro_ml.jobs.promote import Decision, promote
from aipro_ml.jobs.train import TrainingRequest, train
from aipro_ml.sources import synthetic
from aipro_ml.training.artifacts import read_artifact
from aipro_ml.training.oof import probabilities
from tests.fixtures_platform import LATER, Platform, training

CODE = "SIM-EPL"
_GRADED_SPREADS = """
    SELECT f.*, r.actual_result, r.profit_loss, g.home_score, g.away_score FROM fact_predictions f
    JOIN prediction_results r ON r.prediction_id = f.prediction_id JOIN games g ON g.id = f.game_id
    WHERE f.bet_type = 'spread'
"""


@pytest.fixture
def league(engine, database_settings, untracked):
    """A simulated soccer league imported."""
    batch = synthetic.generate("EPL", seasons=6, books=2, seed=3)
    import_batch(engine, database_settings, batch, content=b"soccer", options=ImportOptions(LATER))
    return batch


def logit(p):
    return np.log(p / (1 - p))


def test_a_league_with_draws_and_quarter_lines_goes_all_the_way(league, engine, database_settings):
    platform = Platform(database_settings)
    last = int(platform.one("SELECT max(year) FROM seasons"))
    request = TrainingRequest(CODE, BetType.MONEYLINE, training(), LATER, last - 2, last - 1)
    trained = train(engine, database_settings, request)
    rows = {row.name: row for row in trained.leaderboard}
    assert set(rows) == {"constant", "elo", "market", "logistic"}
    assert all(row.rps is not None and row.n == rows["market"].n for row in rows.values())
    assert 0.9 < rows["market"].log_loss < rows["constant"].log_loss < 1.1
    (model,) = trained.models
    oof = read_artifact(model.folder).oof
    assert ((oof["y"] == 0.5).mean()) == pytest.approx(0.25, abs=0.06)
    assert pd.DataFrame(probabilities(oof)).sum(axis=1).round(9).eq(1.0).all()

    calibrated = calibrate(engine, database_settings, str(model.model_id), CalibrationMethod.PLATT, LATER)
    assert calibrated.published_log_loss < calibrated.log_losses[0]
    assert calibrated.published_log_loss == pytest.approx(calibrated.market_log_loss, abs=0.02)
    decision = Decision("three ways", "tests", LATER, force=True)
    gate = promote(engine, database_settings, str(model.model_id), decision).gate
    said = {check.name: check for check in gate.checks}
    assert said["labels"].value == 1.0
    assert said["published"].n == calibrated.compared
    assert said["calibration slope"].low < 1.0 < said["calibration slope"].high

    day = platform.one("SELECT max(game_date) FROM games WHERE game_date < '2025-12-01'").date()
    runs = predict(engine, database_settings, PredictionRequest(CODE, LATER, day=day))
    assert sum(run.published for run in runs) == sum(run.games for run in runs) > 2
    stored = pd.DataFrame(platform.rows("SELECT * FROM fact_predictions"))
    assert set(stored["predicted_side"]) <= {"home", "draw", "away"}
    assert len(set(stored["predicted_side"])) > 1
    sums = platform.rows("SELECT prediction_id, sum(shap_value) AS total FROM shap_explanations GROUP BY 1")
    totals = pd.Series({row["prediction_id"]: float(row["total"]) for row in sums})
    np.testing.assert_allclose(
        totals.reindex(stored["prediction_id"]), logit(stored["probability"].astype(float)), atol=1e-6
    )
    grades = grade_sport(engine, CODE, LATER)
    assert grades.accounting.graded == grades.accounting.total == len(stored)
    margin = np.sign(grades.rows["home_score"].astype(float) - grades.rows["away_score"].astype(float))
    won = grades.rows["predicted_side"].map({"home": 1, "draw": 0, "away": -1}) == margin
    assert list(grades.rows["actual_result"]) == list(np.where(won, "win", "loss"))  # a draw is nobody's push
    assert update_performance(engine, CODE, LATER, backfilled=True).inserted > 0
    handicaps_go_the_same_way(platform, last)
    with engine.connect() as connection:
        assert verify(predictions.ledger_rows(connection)) == []


def handicaps_go_the_same_way(platform, last):
    """Lines come in quarters of a goal: half of a stake may be won, lost and given back."""
    engine, settings = platform.engine, platform.settings
    (model,) = train(
        engine, settings, TrainingRequest(CODE, BetType.SPREAD, training(), LATER, last - 2, last - 1)
    ).models
    oof = read_artifact(model.folder).oof
    assert 0.05 < (oof["weight"] == 0.5).mean() < 0.4
    calibrated = calibrate(engine, settings, str(model.model_id), CalibrationMethod.PLATT, LATER)
    assert calibrated.interval.n == len(oof)
    decided = calibrated.after.decomposition
    assert calibrated.after.brier == pytest.approx(
        decided.reliability - decided.resolution + decided.uncertainty + decided.within
    )
    gate = promote(engine, settings, str(model.model_id), Decision("quarters", "tests", LATER, force=True)).gate
    said = {check.name: check for check in gate.checks}
    assert (said["labels"].value, said["published"].n) == (1.0, calibrated.compared)

    days = platform.rows(
        "SELECT DISTINCT game_date::date AS day FROM games WHERE game_date < '2025-12-01' ORDER BY day DESC LIMIT 4"
    )
    for row in days[1:]:
        predict(engine, settings, PredictionRequest(CODE, LATER, day=row["day"]))
    grades = grade_sport(engine, CODE, LATER)
    assert grades.accounting.graded == grades.accounting.total
    assert update_performance(engine, CODE, LATER, backfilled=True).inserted > 0
    stored = pd.DataFrame(platform.rows(_GRADED_SPREADS))
    assert len(stored) > 10
    line, price = stored["line_at_prediction"].astype(float), stored["odds_at_prediction"].astype(float)
    quarter, push = np.mod(line * 4, 2) == 1, stored["push_probability"].astype(float)
    assert 0.2 < quarter.mean() < 0.8
    assert (push[quarter] > 0.05).all()
    assert (push[np.mod(line, 1) == 0.5] == 0).all()
    net = np.where(price > 0, price / 100, -100 / price)
    ev = (1 - push) * (stored["probability"].astype(float) * (net + 1) - 1)
    np.testing.assert_allclose(stored["ev"].astype(float), ev, atol=3e-6)
    margin = (stored["home_score"] - stored["away_score"]).astype(float)
    ahead = np.where(stored["predicted_side"] == "home", margin, -margin) + line
    halves = {0.25: "half_win", -0.25: "half_loss"}
    assert {"half_win", "half_loss"} <= set(stored["actual_result"])
    for by, result, gained, won in zip(ahead, stored["actual_result"], stored["profit_loss"], net, strict=True):
        assert result == halves.get(by, "push" if by == 0 else "win" if by > 0 else "loss")
        assert float(gained) == pytest.approx(
            {"half_win": won / 2, "half_loss": -0.5, "push": 0.0, "win": won, "loss": -1.0}[result], abs=1e-6
        )
