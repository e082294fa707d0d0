"""A regression head from training to the ledger: its probability follows the line the books quote."""

import math
from dataclasses import replace
from datetime import UTC, timedelta

import pandas as pd
import pytest

from aipro_ml.config import ModelConfig
from aipro_ml.enums import BetType, CalibrationMethod
from aipro_ml.jobs.calibrate import calibrate
from aipro_ml.jobs.predict import predict
from aipro_ml.jobs.train import TrainingRequest, train
from aipro_ml.training.artifacts import read_artifact
from tests.fixtures_platform import NOW, SPORT, Platform, load, open_week_request, training

RIDGE = ModelConfig(name="margin_ridge", framework="sklearn", estimator="margin_ridge")
MOVED = 3.0
AFTER = NOW + timedelta(minutes=30)
SUMS = (
    "SELECT p.probability, sum(s.shap_value) AS total FROM shap_explanations s "
    "JOIN predictions p ON p.id = s.prediction_id WHERE p.model_id = :model GROUP BY p.id, p.probability"
)


@pytest.fixture
def head(trained: Platform, untracked, tmp_path):
    """A calibrated margin ridge of spreads, in artifacts of its own."""
    platform = Platform(trained.settings.model_copy(update={"artifacts": tmp_path / "heads"}))
    report = train(
        platform.engine, platform.settings, TrainingRequest(SPORT, BetType.SPREAD, training(RIDGE), NOW, 2023, 2024)
    )
    (model,) = report.models
    calibrate(platform.engine, platform.settings, str(model.model_id), CalibrationMethod.AUTO, NOW)
    yield platform, model, report
    platform.close()


def test_a_line_that_moved_moves_what_is_published_and_the_explanations_add_up(head, league):
    platform, model, report = head
    assert {row.name for row in report.leaderboard} >= {"constant", "market", "margin_ridge"}
    artifact = read_artifact(model.folder)
    assert artifact.model.feature_names[-1] == "market_spread"
    assert tuple(artifact.background.columns) == artifact.model.feature_names
    assert len(artifact.config["points"]) == 64
    request = open_week_request(model=str(model.model_id))
    predict(platform.engine, platform.settings, request)
    load(platform, _with_moved_spreads(league), b"moved", AFTER)
    predict(platform.engine, platform.settings, replace(request, now=AFTER, as_of=AFTER))
    rows = platform.rows("SELECT * FROM fact_predictions WHERE model_id = :model", model=model.model_id)
    told = {(str(row["game_id"]), row["as_of"].replace(tzinfo=UTC)): _home(row) for row in rows}
    games = [game for game, as_of in told if as_of == NOW]
    assert len(games) > 10
    for game in games:
        (line, p), (later_line, later_p) = told[game, NOW], told[game, AFTER]
        assert later_line - line == pytest.approx(MOVED, abs=0.5)  # of two books now one, now the other is the line
        assert 0.03 < later_p - p < 0.2
    for row in platform.rows(SUMS, model=model.model_id):
        assert row["total"] == pytest.approx(math.log(row["probability"] / (1 - row["probability"])), abs=1e-6)


def _home(row):
    home = row["predicted_side"] == "home"
    line, p = row["line_at_prediction"], row["model_probability"]
    return (line, p) if home else (-line, 1 - p)


def _with_moved_spreads(league):
    """Return the league with every open game's spread three points better for home, ten minutes after NOW."""
    quotes = league.quotes
    open_spreads = quotes.loc[
        (quotes["market"] == "spread") & (quotes["recorded_at"] == pd.Timestamp(NOW) - pd.Timedelta(hours=1))
    ]
    shift = open_spreads["selection"].map({"home": MOVED, "away": -MOVED})
    moved = open_spreads.assign(line=open_spreads["line"] + shift, recorded_at=NOW + timedelta(minutes=10))
    moved["recorded_at"] = moved["recorded_at"].astype(quotes["recorded_at"].dtype)
    return replace(league, quotes=pd.concat([quotes, moved], ignore_index=True))
