"""Calibration as stored: what is written beside the artifact, and what is shown of it."""

import json
from pathlib import Path

import pytest

from aipro_ml.calibration.document import read_document
from aipro_ml.config import gates_config
from aipro_ml.db.repositories import models
from aipro_ml.enums import BetType, CalibrationMethod, ReliabilityBy
from aipro_ml.errors import ArtifactError, GuardError, UsageError
from aipro_ml.jobs import gate
from aipro_ml.jobs.calibrate import calibrate, speaks_by, stored_calibration, stored_interval
from aipro_ml.jobs.promote import Decision
from aipro_ml.jobs.recalibrate import recalibrate
from aipro_ml.jobs.reliability import stored_reliability
from tests.fixtures_platform import NOW, SPORT


@pytest.fixture
def champion(own_artifacts):
    """The league with its moneyline model in production."""
    yield own_artifacts
    own_artifacts.close()


@pytest.fixture
def mine(champion):
    """The league with no model in production."""
    with champion.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ml_models SET is_production = false")
    return champion


def moneyline(platform):
    (row,) = platform.rows("SELECT id FROM ml_models WHERE bet_type = 'moneyline'")
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


def test_what_a_production_model_publishes_changes_only_through_the_gate_and_is_written_down(champion, monkeypatch):
    engine, settings, model = champion.engine, champion.settings, moneyline(champion)
    before, files = champion.snapshot(), sorted(settings.artifacts_dir.rglob("*"))
    with pytest.raises(GuardError, match="is in production, and the gate has not seen this calibration"):
        calibrate(engine, settings, model, CalibrationMethod.BETA, NOW)
    with pytest.raises(UsageError, match="needs a reason"):
        recalibrate(engine, settings, model, CalibrationMethod.BETA, Decision(" ", "ann", NOW))
    strict = gates_config().gate(SPORT, BetType.MONEYLINE).model_copy(update={"min_games": 10**6})
    with monkeypatch.context() as patch:
        patch.setattr(gate, "limits_of", lambda *_: strict)
        with pytest.raises(GuardError, match=r"stays as it is\. HOLD"):
            recalibrate(engine, settings, model, CalibrationMethod.BETA, Decision("a try", "ann", NOW))
    assert (champion.snapshot(), sorted(settings.artifacts_dir.rglob("*"))) == (before, files)
    was = speaks_by(found(champion).metrics)
    recalibrate(engine, settings, model, CalibrationMethod.BETA, Decision("bold favourites", "ann", NOW))
    assert found(champion).metrics["calibration"]["method"] == "beta"
    (act,) = champion.rows("SELECT details FROM audit_logs WHERE action = 'model.calibrate'")
    assert (act["details"]["reason"], act["details"]["verdict"]) == ("bold favourites", "PROMOTE")
    assert (act["details"]["previous"], act["details"]["now"]) == (list(was), list(speaks_by(found(champion).metrics)))
    calibrate(engine, settings, model, CalibrationMethod.BETA, NOW)  # the same again changes nothing


def test_a_full_disk_leaves_the_files_a_run_was_published_with_as_they_are(mine, monkeypatch):
    calibrate(mine.engine, mine.settings, moneyline(mine), CalibrationMethod.PLATT, NOW)
    folder = mine.settings.artifacts_dir / f"{found(mine).file_path}.calibration"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    written = Path.write_bytes

    def full(path, content):
        written(path, content[: len(content) // 2])
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        calibrate(mine.engine, mine.settings, moneyline(mine), CalibrationMethod.PLATT, NOW)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("spoiled", [b"[" * 100_000, b'{"slope":NaN}', b'{"slope":1e999}'])
def test_a_document_no_calibration_writes_is_damaged(tmp_path, spoiled):
    place = tmp_path / "platt.json"
    place.write_bytes(spoiled)
    with pytest.raises(ArtifactError, match="damaged"):
        read_document(place)
    place.unlink()
    place.mkdir()
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_document(place)
