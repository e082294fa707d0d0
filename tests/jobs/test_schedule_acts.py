"""What the scheduled tasks do: odds and closes, the watch over the night, challengers, retention, backups."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from aipro_ml.config import ModelConfig, RetentionConfig, nightly_config
from aipro_ml.db.backup import verify
from aipro_ml.enums import BetType, CalibrationMethod
from aipro_ml.jobs.alerts import list_alerts
from aipro_ml.jobs.calibrate import calibrate
from aipro_ml.jobs.retention import backups_of, tidy
from aipro_ml.jobs.schedule import Due
from aipro_ml.jobs.schedule_acts import ACTS
from aipro_ml.jobs.train import TrainingRequest, train
from tests.fixtures_nightly import night, planned
from tests.fixtures_platform import NOW, SPORT, Platform, training
from tests.jobs.test_odds_feed import KEY, Api
from tests.jobs.web import serving

pytestmark = pytest.mark.usefixtures("untagged")

FRIDAY = datetime(2025, 10, 17, 12, 45, tzinfo=UTC)


def acted(platform, kind, now, sports=()):
    """Run a task of this kind whose slot is `now`."""
    return ACTS[kind](platform.settings, nightly_config(platform.settings), Due(kind, sports, now, lambda: now, print))


def test_odds_are_fetched_and_the_close_only_shortly_before_a_kick_off(database_settings):
    api = Api()
    with serving(api) as web:
        told = {"odds_api_key": SecretStr(KEY), "odds_api_url": web.address}
        platform = Platform(database_settings.model_copy(update=told))
        planned(platform, "feeds: [{sport: NCAAF, regions: [us]}]\n")
        assert "3 of the quota, 497 left" in acted(platform, "odds", FRIDAY)
        assert platform.one("SELECT count(*) FROM odds") == 12
        spent = api.remaining
        assert acted(platform, "close", FRIDAY + timedelta(hours=2)) == "nothing to fetch"
        assert api.remaining == spent
        kickoff = datetime(2025, 10, 17, 23, tzinfo=UTC)
        assert "NCAAF: 3 of the quota" in acted(platform, "close", kickoff - timedelta(minutes=5))
        assert api.remaining == spent - 3
        assert acted(platform, "close", kickoff + timedelta(minutes=5)) == "nothing to fetch"
        platform.close()


def alerts(platform):
    return {str(row["type"]) for row in list_alerts(platform.engine, 20, acknowledged=False)}


def test_a_night_that_is_late_or_never_comes_is_told_of_and_a_punctual_one_is_not(trained):
    place = planned(trained)
    place.write_text(place.read_text().replace('"0 7 * * *"', '"0 7 * * *", watch: "*/15 * * * *"'))
    night(trained, NOW)
    acted(trained, "watch", NOW + timedelta(minutes=45))
    assert "deadline" not in alerts(trained)
    later = NOW + timedelta(days=1)
    acted(trained, "watch", later + timedelta(minutes=29))
    assert "deadline" not in alerts(trained)
    acted(trained, "watch", later + timedelta(minutes=31))
    assert "deadline" in alerts(trained)
    said = trained.one("SELECT message FROM alerts WHERE alert_type = 'deadline'")
    assert said.startswith("SIM-NFL: the predictions of 2025-12-25 12:00 UTC for ")
    assert said.endswith("are not there; the deadline was 12:30")


def test_quotes_that_are_too_old_are_told_of_once(trained):
    planned(trained)
    old = NOW + timedelta(hours=40)
    acted(trained, "watch", old)
    acted(trained, "watch", old + timedelta(minutes=15))
    said = [row["message"] for row in list_alerts(trained.engine, 20, acknowledged=False) if row["type"] == "health"]
    assert len(said) == 1
    assert said[0].startswith("quotes SIM-NFL is degraded: newest quote 41.0 h old")
    assert trained.one("SELECT count(*) FROM system_health_snapshots WHERE component = 'quotes SIM-NFL'") == 2


@pytest.fixture
def challenger(trained, untracked):
    """A calibrated moneyline model trained an hour after the champion."""
    config = training(
        ModelConfig(name="other", framework="sklearn", estimator="logistic_regression", params={"C": 1.0})
    )
    hour = NOW + timedelta(hours=1)
    request = TrainingRequest(SPORT, BetType.MONEYLINE, config, hour, 2023, 2024)
    model = str(train(trained.engine, trained.settings, request).models[0].model_id)
    calibrate(trained.engine, trained.settings, model, CalibrationMethod.AUTO, hour)
    return model


def test_a_newer_model_predicts_beside_the_champion_each_night(trained, challenger):
    planned(trained)
    report = night(trained, NOW + timedelta(hours=2))
    shadow = next(step for step in report.steps if step.step == "shadow")
    assert shadow.written > 0
    rows = trained.rows(
        "SELECT bet_type, count(*) AS n FROM fact_predictions WHERE model_id = :m GROUP BY 1", m=challenger
    )
    assert rows == [{"bet_type": "moneyline", "n": shadow.written}]
    beside = trained.one("SELECT journal->0->'versions'->'shadow' FROM fact_prediction_runs")
    assert list(beside) == ["moneyline"]
    assert len(list((trained.settings.home / "ledger").iterdir())) == 2  # a head after the champions, one after it


def test_recalibration_puts_a_refitted_champion_before_the_gate(trained, untracked):
    planned(trained, "retrain_seasons: 2\n")
    before = trained.one("SELECT count(*) FROM ml_models")
    said = acted(trained, "recalibrate", NOW + timedelta(hours=1))
    assert {line.partition(":")[0] for line in said.split("; ")} == {f"{SPORT} {bet_type}" for bet_type in BetType}
    assert trained.one("SELECT count(*) FROM ml_models") == before + 3
    decided = trained.rows(
        "SELECT actor, gate IS NOT NULL AS judged FROM fact_model_promotions WHERE actor = 'schedule'"
    )
    assert decided == [{"actor": "schedule", "judged": True}] * 3
    assert trained.one("SELECT count(*) FROM ml_models WHERE is_production") == 3


def test_retention_keeps_what_anything_needs_and_removes_what_nothing_does(own_artifacts, untracked):
    platform = own_artifacts
    keep, later = RetentionConfig(raw_days=30, artifacts_days=30, backups=1), NOW + timedelta(days=60)
    made = []
    for number, c in enumerate((0.3, 0.4)):
        config = training(
            ModelConfig(name=f"m{c}", framework="sklearn", estimator="logistic_regression", params={"C": c})
        )
        moment = NOW + timedelta(hours=number + 1)
        request = TrainingRequest(SPORT, BetType.TOTAL, config, moment, 2023, 2024)
        made.append(train(platform.engine, platform.settings, request).models[0].folder)
    raw = platform.settings.raw_dir
    raw.mkdir(parents=True, exist_ok=True)
    content = platform.one("SELECT details->>'content' FROM data_quality_checks WHERE details ? 'content' LIMIT 1")
    for name, age in (("a" * 64, 31), ("b" * 64, 29), (content, 99)):
        (raw / name).write_bytes(b"x")
        os.utime(raw / name, ((later - timedelta(days=age)).timestamp(),) * 2)
    for day in (1, 2, 3):
        acted(platform, "backup", NOW + timedelta(days=day))
    assert len(verify(backups_of(platform.settings)[0]).tables) == 55
    dry = tidy(platform.engine, platform.settings, keep, later, dry_run=True)
    assert made[0].is_dir()
    removed = tidy(platform.engine, platform.settings, keep, later)
    assert (removed.raw, removed.artifacts, removed.backups) == (1, 1, 1)
    assert dry == removed
    assert (made[0].is_dir(), made[1].is_dir()) == (False, True)  # the newest of its kind stays
    assert sorted(path.name for path in raw.iterdir()) == sorted(["b" * 64, content])
    for row in platform.rows("SELECT file_path FROM ml_models WHERE is_production"):
        assert (platform.settings.artifacts_dir / row["file_path"]).is_dir()
    assert platform.one("SELECT count(*) FROM audit_logs WHERE action = 'artifact.remove'") == 1
    assert tidy(platform.engine, platform.settings, keep, later).says.startswith(
        "0 raw payloads, 0 artifacts, 0 backups"
    )
