"""Promotion: one production model a sport and bet type, in every table that shows it."""

import shutil
import threading
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from aipro_ml.config import ModelConfig
from aipro_ml.enums import BetType, CalibrationMethod, UserRole
from aipro_ml.errors import ArtifactError, ForbiddenError, GuardError, UsageError
from aipro_ml.jobs import promote as promotion
from aipro_ml.jobs import training_bench
from aipro_ml.jobs.calibrate import calibrate
from aipro_ml.jobs.predict import predict
from aipro_ml.jobs.promote import Decision, PromotionRefusedError, promote, rollback
from aipro_ml.jobs.promotions import history
from aipro_ml.jobs.train import TrainingRequest, train
from tests.fixtures_platform import NOW, SPORT, open_week_request, training
from tests.jobs.people import add_user

LATER = NOW + timedelta(hours=1)
RIVAL = ModelConfig(name="rival", framework="sklearn", estimator="logistic_regression", params={"C": 0.001})
DECISION = Decision("better", "a person", LATER)


def trained_model(platform, config=RIVAL, bet_type=BetType.MONEYLINE):
    """Train a model that is not in production; return its id."""
    request = TrainingRequest(SPORT, bet_type, training(config), LATER, 2023, 2024)
    (model,) = train(platform.engine, platform.settings, request).models
    return str(model.model_id)


def calibrated_model(platform, *options, **named):
    model = trained_model(platform, *options, **named)
    calibrate(platform.engine, platform.settings, model, CalibrationMethod.AUTO, LATER)
    return model


@pytest.fixture
def rival(own_artifacts, untracked):
    """The trained league with a second moneyline model, not calibrated and not in production."""
    yield own_artifacts, trained_model(own_artifacts)
    own_artifacts.close()


@pytest.fixture
def falsified(monkeypatch):
    """Train on a matrix that `change` has falsified."""
    honest = training_bench.build_matrices

    def install(change):
        def falsify(*given):
            return {bet_type: change(matrix) for bet_type, matrix in honest(*given).items()}

        monkeypatch.setattr(training_bench, "build_matrices", falsify)

    return install


def with_leak(matrix):
    """A form that knows something of the game's own result."""
    known = matrix.y.fillna(0.5) - 0.5
    noise = np.random.default_rng(5).normal(scale=0.4, size=len(known))
    return replace(matrix, X=matrix.X.assign(win_ewma_diff=known + noise))


def with_permuted_labels(matrix):
    y = matrix.y.copy()
    y[y.notna()] = np.random.default_rng(5).permutation(y.dropna().to_numpy())
    return replace(matrix, y=y)


def refusal(platform, model, **decision):
    """Return the findings of a promotion that is refused."""
    asked = Decision("please", "a person", LATER, **decision)
    with pytest.raises(PromotionRefusedError) as refused:
        promote(platform.engine, platform.settings, model, asked)
    return refused.value, {check.name: check.finding.value for check in refused.value.gate.checks}


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
    with platform.engine.begin() as connection:
        ann = add_user(connection, "ann@example.com", LATER, UserRole.ADMIN)
        add_user(connection, "ben@example.com", LATER, UserRole.PRO_USER)
    with pytest.raises(ForbiddenError, match="admin:models"):
        promote(platform.engine, platform.settings, model, replace(DECISION, actor="ben@example.com"))
    promote(platform.engine, platform.settings, model[:12], replace(DECISION, actor="Ann@example.com"))
    assert production(platform) == [model]
    assert len(production(platform, "spread")) == 1
    assert str(platform.one("SELECT default_model_id FROM sports WHERE code = :code", code=SPORT)) == model
    (fact,) = platform.rows("SELECT * FROM fact_model_promotions WHERE decided_at = :at", at=LATER)
    assert (str(fact["model_id"]), str(fact["previous_model_id"])) == (model, previous)
    assert (fact["reason"], fact["actor"], fact["action"]) == ("better", str(ann), "promote")
    assert history(platform.settings, SPORT, None, 1)[0]["who"] == "ann@example.com"
    (act,) = platform.rows("SELECT * FROM audit_logs WHERE action = 'model.promote' AND resource_id = :id", id=model)
    assert act["user_id"] == ann
    assert act["details"] == {"reason": "better", "actor": str(ann), "previous": previous, "verdict": "PROMOTE"}
    assert fact["verdict"] == fact["gate"]["verdict"] == "PROMOTE"
    assert fact["gate"]["limits"]["epsilon_published"] == 0.005
    assert {check["finding"] for check in fact["gate"]["checks"]} <= {"pass", "warn"}
    assert {check["name"] for check in fact["gate"]["checks"]} >= {"published", "model", "calibration slope", "labels"}


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


def test_a_model_its_training_marked_as_a_leak_is_refused(rival):
    platform, model = rival
    calibrate(platform.engine, platform.settings, model, CalibrationMethod.AUTO, LATER)
    mark(platform, model, leak="suspected_leak")
    refused, findings = refusal(platform, model)
    assert "a leak until proven otherwise" in str(refused)
    assert findings["leak alarm"] == "reject"
    assert production(platform) != [model]


def test_a_model_with_a_planted_leak_is_refused_and_the_refusal_kept(own_artifacts, untracked, falsified):
    falsified(with_leak)
    model = calibrated_model(own_artifacts, RIVAL.model_copy(update={"name": "leaky", "params": {"C": 1.0}}))
    before = production(own_artifacts)
    refused, findings = refusal(own_artifacts, model)
    assert refused.gate.verdict == "REJECT"
    assert findings["leak alarm"] == "reject"
    assert findings["single features"] == "warn"
    assert findings["labels"] == "pass"
    assert production(own_artifacts) == before
    (kept,) = own_artifacts.rows("SELECT * FROM fact_model_promotions WHERE model_id = :id", id=model)
    assert (kept["action"], kept["verdict"]) == ("promote", "REJECT")
    assert own_artifacts.one("SELECT count(*) FROM audit_logs WHERE action = 'model.refuse'") == 1
    own_artifacts.close()


@pytest.mark.parametrize("bet_type", [BetType.MONEYLINE, BetType.TOTAL])
def test_a_model_of_permuted_labels_is_refused(own_artifacts, untracked, falsified, bet_type):
    falsified(with_permuted_labels)
    model = calibrated_model(own_artifacts, bet_type=bet_type)
    refused, findings = refusal(own_artifacts, model)
    assert refused.gate.verdict == "REJECT"
    assert findings["labels"] == "reject"  # about half of them: a coin
    if bet_type is BetType.MONEYLINE:
        assert findings["skill"] == "reject"
    own_artifacts.close()


def test_force_overrules_the_gate_and_is_written_down(own_artifacts, untracked, falsified):
    falsified(with_permuted_labels)
    model = calibrated_model(own_artifacts)
    (previous,) = production(own_artifacts)
    done = promote(own_artifacts.engine, own_artifacts.settings, model, replace(DECISION, force=True))
    assert done.changed
    assert production(own_artifacts) == [model]
    (kept,) = own_artifacts.rows("SELECT * FROM fact_model_promotions WHERE model_id = :id", id=model)
    assert (kept["action"], kept["verdict"], str(kept["previous_model_id"])) == ("force", "REJECT", previous)
    with pytest.raises(UsageError, match="a promotion needs a reason"):
        promote(own_artifacts.engine, own_artifacts.settings, previous, Decision(" ", "x", LATER, force=True))
    own_artifacts.close()


def test_a_good_model_is_promoted_and_rolled_back_and_the_history_shows_it_all(rival):
    platform, model = rival
    (first,) = production(platform)
    calibrate(platform.engine, platform.settings, model, CalibrationMethod.AUTO, LATER)
    promote(platform.engine, platform.settings, model, DECISION)
    back = rollback(platform.engine, platform.settings, SPORT, BetType.MONEYLINE, Decision("worse", "b", LATER))
    assert (str(back.model.id), str(back.previous)) == (first, model)
    assert production(platform) == [first]
    assert str(platform.one("SELECT default_model_id FROM sports WHERE code = :code", code=SPORT)) == first
    told = history(platform.settings, SPORT, BetType.MONEYLINE, 10, full=True)
    assert [(row["action"], row["model"], row["instead of"]) for row in told] == [
        ("rollback", first, model),
        ("promote", model, first),
        ("promote", first, None),
    ]
    assert [row["in effect"] for row in told] == [True] * 3
    assert all(len(row["artifact"]) == 64 for row in told)
    with pytest.raises(GuardError, match="no champion before the present one"):
        rollback(platform.engine, platform.settings, SPORT, BetType.MONEYLINE, DECISION)


def test_a_rollback_to_a_damaged_model_is_refused_and_changes_nothing(rival):
    platform, model = rival
    (first,) = production(platform)
    calibrate(platform.engine, platform.settings, model, CalibrationMethod.AUTO, LATER)
    promote(platform.engine, platform.settings, model, DECISION)
    place = platform.one("SELECT file_path FROM ml_models WHERE id = :id", id=first)
    (platform.settings.artifacts_dir / place / "metrics.json").write_text("{}")
    before = platform.snapshot()
    with pytest.raises(ArtifactError, match=r"metrics\.json: damaged"):
        rollback(platform.engine, platform.settings, SPORT, BetType.MONEYLINE, DECISION)
    assert platform.snapshot() == before


def test_what_the_gate_did_not_see_is_not_promoted(rival, monkeypatch):
    platform, model = rival
    engine, settings = platform.engine, platform.settings
    (first,) = production(platform)
    mine, other = (
        settings.artifacts_dir / platform.one("SELECT file_path FROM ml_models WHERE id = :id", id=each)
        for each in (model, first)
    )
    mine.rename(mine.with_name("kept"))
    shutil.copytree(other, mine)
    with pytest.raises(ArtifactError, match="not the artifact the database names"):
        calibrate(engine, settings, model, CalibrationMethod.AUTO, LATER)
    shutil.rmtree(mine)
    mine.with_name("kept").rename(mine)
    calibrate(engine, settings, model, CalibrationMethod.PLATT, LATER)
    before = platform.snapshot()
    for who in ("", " ", "x" * 256):
        with pytest.raises(UsageError, match="needs somebody who decides"):
            promote(engine, settings, model, replace(DECISION, actor=who))
    blend = settings.artifacts_dir / platform.one(
        "SELECT performance_metrics -> 'blend' ->> 'path' FROM ml_models WHERE id = :id", id=model
    )
    kept = blend.read_text()
    blend.write_text(kept.replace('"model_coef":', '"model_coef":1'))
    with pytest.raises(ArtifactError, match="its hash differs"):
        promote(engine, settings, model, replace(DECISION, force=True))
    assert platform.snapshot() == before
    blend.write_text(kept)
    honest = promotion.gate_of

    def recalibrated_meanwhile(*given):
        gate = honest(*given)
        calibrate(engine, settings, model, CalibrationMethod.ISOTONIC, LATER)
        return gate

    monkeypatch.setattr(promotion, "gate_of", recalibrated_meanwhile)
    with pytest.raises(GuardError, match="calibrated or trained again while the gate judged it"):
        promote(engine, settings, model, DECISION)
    assert production(platform) == [first]


def test_a_rollback_to_a_model_whose_blend_was_edited_is_refused(rival):
    platform, model = rival
    (first,) = production(platform)
    calibrate(platform.engine, platform.settings, model, CalibrationMethod.AUTO, LATER)
    promote(platform.engine, platform.settings, model, DECISION)
    path = "SELECT performance_metrics -> 'blend' ->> 'path' FROM ml_models WHERE id = :id"
    blend = platform.settings.artifacts_dir / platform.one(path, id=first)
    blend.write_text(blend.read_text().replace('"model_coef":', '"model_coef":1'))
    with pytest.raises(ArtifactError, match="its hash differs"):
        rollback(platform.engine, platform.settings, SPORT, BetType.MONEYLINE, DECISION)
    assert production(platform) == [model]


def test_of_two_promotions_at_once_exactly_one_wins(rival, monkeypatch):
    platform, model = rival
    other = trained_model(platform, RIVAL.model_copy(update={"name": "third", "params": {"C": 0.002}}))
    for each in (model, other):
        calibrate(platform.engine, platform.settings, each, CalibrationMethod.AUTO, LATER)
    judged = threading.Barrier(2, timeout=60)
    honest = promotion.gate_of

    def both_judged(*given):
        gate = honest(*given)
        judged.wait()  # now both have seen the same champion and decide at once
        return gate

    monkeypatch.setattr(promotion, "gate_of", both_judged)
    ended = {}

    def decide(which):
        try:
            ended[which] = promote(platform.engine, platform.settings, which, DECISION).changed
        except GuardError as error:
            ended[which] = str(error)

    threads = [threading.Thread(target=decide, args=(which,)) for which in (model, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [which for which, end in ended.items() if end is True]
    (loser,) = [which for which in ended if which != winner]
    assert "another decision over SIM-NFL moneyline was taken meanwhile" in ended[loser]
    assert production(platform) == [winner]
    assert platform.one("SELECT count(*) FROM fact_model_promotions WHERE decided_at >= :at", at=LATER) == 1


def test_a_limit_in_the_settings_of_the_platform_holds_a_model(rival):
    platform, model = rival
    calibrate(platform.engine, platform.settings, model, CalibrationMethod.AUTO, LATER)
    setting = (
        "INSERT INTO system_settings (id, key, value, value_type) "
        "VALUES (gen_random_uuid(), 'gate.SIM-NFL.moneyline.min_games', '5000', 'int')"
    )
    with platform.engine.begin() as connection:
        connection.execute(sa.text(setting))
    refused, findings = refusal(platform, model)
    assert refused.gate.verdict == "HOLD"
    assert [name for name, finding in findings.items() if finding == "hold"] == ["games"]
    before = platform.snapshot()
    refusal(platform, model, dry_run=True)
    assert platform.snapshot() == before


def test_beside_a_champion_that_publishes_live_a_challenger_stands_in_shadow_first(published, untracked):
    model = calibrated_model(published)
    refused, findings = refusal(published, model)
    assert findings["shadow"] == "hold"
    assert "0 live predictions in 0.0 days of shadow" in str(refused)
    run = "SELECT published_count, versions, journal FROM fact_prediction_runs WHERE mode = 'live'"
    (before,) = published.rows(run)
    reports = predict(published.engine, published.settings, open_week_request(model=model))
    (after,) = published.rows(run)
    assert after["published_count"] == before["published_count"]  # the champions' slate, not the shadow's
    assert after["versions"] == before["versions"]
    (entry,) = after["journal"]
    assert entry["versions"]["models"] == {}
    assert entry["versions"]["shadow"]["moneyline"]["model_id"] == model
    asked = Decision("again", "a person", NOW + timedelta(days=8))
    setting = (
        "INSERT INTO system_settings (id, key, value, value_type) "
        "VALUES (gen_random_uuid(), 'gate.SIM-NFL.moneyline.shadow_predictions', '10', 'int')"
    )
    with published.engine.begin() as connection:
        connection.execute(sa.text(setting))
    done = promote(published.engine, published.settings, model, asked)
    (shadow,) = [check for check in done.gate.checks if check.name == "shadow"]
    assert (shadow.finding, shadow.value, shadow.n) == ("pass", 8.0, sum(report.written for report in reports))
