"""Retention beside a promotion, or a second retention: nobody speaks whose files are gone, nothing counts twice."""

import os
from datetime import timedelta

import pytest
import sqlalchemy as sa

from aipro_ml.config import RetentionConfig
from aipro_ml.db.repositories import acts
from aipro_ml.enums import BetType, CalibrationMethod
from aipro_ml.errors import ArtifactError
from aipro_ml.jobs import retention
from aipro_ml.jobs.calibrate import calibrate
from aipro_ml.jobs.promote import Decision, promote
from aipro_ml.jobs.retention import tidy
from aipro_ml.jobs.train import TrainingRequest, train
from tests.at_once import halt, overtaken
from tests.fixtures_platform import LOGISTIC, NOW, SPORT, training

KEEP = RetentionConfig(raw_days=30, artifacts_days=30, backups=1)
LATER = NOW + timedelta(days=60)
RIVAL = LOGISTIC.model_copy(update={"name": "rival", "params": {"C": 0.001}})


@pytest.fixture
def old_rival(own_artifacts, untracked):
    """The trained league with a calibrated model in nobody's use, older than the champion; its id and folder."""
    platform = own_artifacts
    request = TrainingRequest(SPORT, BetType.MONEYLINE, training(RIVAL), NOW + timedelta(hours=1), 2023, 2024)
    (model,) = train(platform.engine, platform.settings, request).models
    calibrate(platform.engine, platform.settings, str(model.model_id), CalibrationMethod.AUTO, NOW)
    with platform.engine.begin() as connection:
        older = "UPDATE ml_models SET created_at = created_at - interval '90 days' WHERE id = :id"
        connection.execute(sa.text(older), {"id": model.model_id})
    yield platform, str(model.model_id), model.folder
    platform.close()


@pytest.mark.parametrize("first", ["retention is at it", "retention has made its list"])
def test_a_model_promoted_beside_retention_keeps_its_files_or_is_refused(old_rival, monkeypatch, first):
    platform, model, folder = old_rival
    at_it = first == "retention is at it"
    standing = halt(monkeypatch, acts, "audit") if at_it else halt(monkeypatch, retention, "_old_models", after=True)
    removed, promoted = overtaken(
        platform.engine,
        standing,
        lambda: tidy(platform.engine, platform.settings, KEEP, LATER),
        lambda: promote(platform.engine, platform.settings, model, Decision("better", "a person", LATER, force=True)),
    )
    in_production = platform.one("SELECT is_production FROM ml_models WHERE id = :id", id=model)
    assert (in_production, folder.is_dir()) == (not at_it, not at_it)
    assert removed.result().artifacts == at_it
    assert isinstance(promoted.exception(), ArtifactError) == at_it


def test_of_two_retentions_at_once_one_counts_what_went(engine, database_settings, monkeypatch):
    raw = database_settings.raw_dir
    raw.mkdir(parents=True)
    (raw / ("a" * 64)).write_bytes(b"x")
    os.utime(raw / ("a" * 64), ((LATER - timedelta(days=31)).timestamp(),) * 2)
    ended = overtaken(
        engine,
        halt(monkeypatch, retention, "_size"),
        lambda: tidy(engine, database_settings, KEEP, LATER),
        lambda: tidy(engine, database_settings, KEEP, LATER),
    )
    assert sorted(each.result().raw for each in ended) == [0, 1]
    assert sum(each.result().bytes for each in ended) == 1
