"""Promotion: one production model a sport and bet type, in every table that shows it."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from aipro_ml.config import ModelConfig
from aipro_ml.enums import BetType, CalibrationMethod
from aipro_ml.errors import ArtifactError, GuardError, UsageError
from aipro_ml.jobs.calibrate import calibrate
from aipro_ml.jobs.promote import Decision, promote
from aipro_ml.jobs.train import TrainingRequest, train
from tests.fixtures_platform import NOW, SPORT, training

LATER = NOW + timedelta(hours=1)
RIVAL = ModelConfig(name="rival", framework="sklearn", estimator="logistic_regression", params={"C": 0.001})
DECISION = Decision("better", "a person", LATER)


@pytest.fixture
def rival(own_artifacts, untracked):
    """The trained league with a second moneyline model, calibrated, not in production."""
    request = TrainingRequest(SPORT, BetType.MONEYLINE, training(RIVAL), LATER, 2023, 2024)
    (model,) = train(own_artifacts.engine, own_artifacts.settings, request).models
    yield own_artifacts, str(model.model_id)
    own_artifacts.close()


def production(platform, bet_type="moneyline"):
    statement = "SELECT id FROM ml_models WHERE is_production AND bet_type = :bet_type"
    return [str(row["id"]) for row in platform.rows(statement, bet_type=bet_type)]


def mark(platform, model, **metrics):
    for name, value in metrics.items():
        statement = (
            "UPDATE ml_models SET performance_metrics = jsonb_set(performance_metrics, :path, :value) WHERE id = :id"
        )
        bound = sa.text(statement).bindparams(
            sa.bindparam("path", [name], sa.ARRAY(sa.Text)), sa.bindparam("value", value, sa.dialects.postgresql.JSONB)
        )
        with platform.engine.begin() as connection:
            connection.execute(bound, {"id": model})


def test_promotion_demotes_the_one_before_and_is_written_down(rival):
    platform, model = rival
    (previous,) = production(platform)
    calibrate(platform.engine, platform.settings, model, CalibrationMethod.AUTO, LATER)
    promote(platform.engine, platform.settings, model[:12], DECISION)
    assert production(platform) == [model]
    assert len(production(platform, "spread")) == 1
    assert str(platform.one("SELECT default_model_id FROM sports WHERE code = :code", code=SPORT)) == model
    (fact,) = platform.rows("SELECT * FROM fact_model_promotions WHERE decided_at = :at", at=LATER)
    assert (str(fact["model_id"]), str(fact["previous_model_id"])) == (model, previous)
    assert (fact["reason"], fact["actor"], fact["action"]) == ("better", "a person", "promote")
    (act,) = platform.rows("SELECT * FROM audit_logs WHERE action = 'model.promote' AND resource_id = :id", id=model)
    assert act["details"] == {"reason": "better", "actor": "a person", "previous": previous}


def test_promoting_the_production_model_again_writes_nothing(trained):
    before = trained.snapshot()
    promote(trained.engine, trained.settings, production(trained)[0], DECISION)
    assert trained.snapshot() == before


def test_only_moneyline_models_are_a_sport_s_default(trained):
    (moneyline,) = production(trained)
    assert str(trained.one("SELECT default_model_id FROM sports WHERE code = :code", code=SPORT)) == moneyline


def test_a_dry_run_decides_nothing(rival):
    platform, model = rival
    calibrate(platform.engine, platform.settings, model, CalibrationMethod.AUTO, LATER)
    before = platform.snapshot()
    promote(platform.engine, platform.settings, model, Decision("better", "a person", LATER, dry_run=True))
    assert platform.snapshot() == before


def test_a_model_that_was_never_calibrated_is_refused(rival):
    platform, model = rival
    before = platform.snapshot()
    with pytest.raises(GuardError, match="never calibrated: run `aipro calibrate run"):
        promote(platform.engine, platform.settings, model, DECISION)
    assert platform.snapshot() == before


def test_a_suspected_leak_is_refused(rival):
    platform, model = rival
    calibrate(platform.engine, platform.settings, model, CalibrationMethod.AUTO, LATER)
    mark(platform, model, leak="suspected_leak")
    with pytest.raises(GuardError, match="a leak until proven otherwise"):
        promote(platform.engine, platform.settings, model, DECISION)
    assert production(platform) != [model]


def test_a_damaged_artifact_is_not_promoted(rival):
    platform, model = rival
    calibrate(platform.engine, platform.settings, model, CalibrationMethod.AUTO, LATER)
    place = platform.one("SELECT file_path FROM ml_models WHERE id = :id", id=model)
    (platform.settings.artifacts_dir / place / "metrics.json").unlink()
    with pytest.raises(ArtifactError, match=r"metrics\.json: missing"):
        promote(platform.engine, platform.settings, model, DECISION)
    assert production(platform) != [model]


def test_the_database_itself_allows_one_production_model_a_bet_type(rival):
    platform, model = rival
    with pytest.raises(sa.exc.IntegrityError), platform.engine.begin() as connection:
        connection.execute(sa.text("UPDATE ml_models SET is_production = TRUE WHERE id = :id"), {"id": model})


def test_calibrating_again_finds_the_same_calibrator(trained):
    (model,) = production(trained)
    before = trained.one("SELECT count(*) FROM calibration_models")
    first = trained.rows("SELECT performance_metrics FROM ml_models WHERE id = :id", id=model)
    own = trained.settings.model_copy(update={"artifacts": trained.settings.artifacts_dir})
    calibrate(trained.engine, own, model, CalibrationMethod.AUTO, LATER, dry_run=False)
    assert trained.one("SELECT count(*) FROM calibration_models") == before
    assert trained.rows("SELECT performance_metrics FROM ml_models WHERE id = :id", id=model) == first


def test_an_unknown_model_says_where_to_look(trained):
    with pytest.raises(UsageError, match="no model whose id begins with 'ffff0000ffff'"):
        promote(trained.engine, trained.settings, "ffff0000ffff", DECISION)
