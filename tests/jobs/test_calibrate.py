"""Calibration as stored: what is written beside the artifact, and what is shown of it."""

import json

import pytest

from aipro_ml.db.repositories import models
from aipro_ml.enums import CalibrationMethod, ReliabilityBy
from aipro_ml.errors import ArtifactError, UsageError
from aipro_ml.jobs.calibrate import calibrate, stored_calibration, stored_interval
from aipro_ml.jobs.reliability import stored_reliability
from tests.fixtures_platform import NOW


@pytest.fixture
def mine(own_artifacts):
    yield own_artifacts
    own_artifacts.close()


def moneyline(platform):
    (row,) = platform.rows("SELECT id FROM ml_models WHERE is_production AND bet_type = 'moneyline'")
    return str(row["id"])


def found(platform):
    with platform.engine.connect() as connection:
        return models.find_model(connection, moneyline(platform))


@pytest.mark.parametrize("method", [CalibrationMethod.TEMPERATURE, CalibrationMethod.BETA])
def test_a_form_of_platt_is_stored_as_platt_and_read_again(mine, method):
    report = calibrate(mine.engine, mine.settings, moneyline(mine), method, NOW)
    calibrator, _ = stored_calibration(mine.settings, found(mine))
    assert calibrator == report.choice.calibrator
    assert calibrator.document["form"] == method
    types = mine.rows("SELECT DISTINCT calibrator_type FROM calibration_models")
    assert {row["calibrator_type"] for row in types} <= {"platt", "isotonic"}


def test_the_interval_and_the_season_picture_lie_beside_the_artifact(mine):
    report = calibrate(mine.engine, mine.settings, moneyline(mine), CalibrationMethod.NONE, NOW)
    assert stored_interval(mine.settings, found(mine)) == report.interval
    assert (report.diagram.parent / "reliability-by-season.png").read_bytes()[:4] == b"\x89PNG"
    path = mine.settings.artifacts_dir / found(mine).metrics["calibration"]["interval"]["path"]
    path.write_text(json.dumps({**json.loads(path.read_text()), "n": 1}))
    with pytest.raises(ArtifactError, match="damaged"):
        stored_interval(mine.settings, found(mine))


def test_what_is_shown_is_what_calibration_reported(mine):
    report = calibrate(mine.engine, mine.settings, moneyline(mine), CalibrationMethod.PLATT, NOW)
    shown = stored_reliability(mine.engine, mine.settings, moneyline(mine))
    assert (shown.before, shown.after) == (report.before, report.after)
    seasons, bins = shown.rows(ReliabilityBy.SEASON), shown.rows(ReliabilityBy.BIN)
    assert [row["season"] for row in seasons] == [season.season for season in report.after.seasons]
    assert sum(row["n"] for row in seasons) == sum(row["n"] for row in bins) == report.after.n
    assert [row["stage"] for row in shown.rows(ReliabilityBy.STAGE)] == ["model", "calibrated"]


def test_a_model_that_was_never_calibrated_has_nothing_to_show(mine):
    with mine.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ml_models SET performance_metrics = performance_metrics - 'calibration'")
    with pytest.raises(UsageError, match="never calibrated"):
        stored_reliability(mine.engine, mine.settings, moneyline(mine))
