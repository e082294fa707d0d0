"""Promotions attacked: in the middle of a night, at once, twice, with files gone and MLflow away."""

import shutil
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from aipro_ml.enums import BetType, CalibrationMethod
from aipro_ml.errors import AiproError, ArtifactError, GuardError, UsageError
from aipro_ml.identity import derive_id
from aipro_ml.jobs import predict as prediction
from aipro_ml.jobs import promote as promotion
from aipro_ml.jobs import track
from aipro_ml.jobs.calibrate import calibrate
from aipro_ml.jobs.listings import Listed, list_predictions, verify_ledger
from aipro_ml.jobs.predict import predict
from aipro_ml.jobs.promote import Decision, promote, rollback
from aipro_ml.jobs.promotions import history
from aipro_ml.jobs.sync import wanted_aliases
from tests.fixtures_platform import NOW, SPORT, Platform, Template, open_week_request, past_week_request
from tests.jobs.test_promote import RIVAL, production, trained_model

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def contested(server, trained_template, tmp_path_factory):
    """The trained league with a second moneyline model, calibrated and not in production."""
    home = tmp_path_factory.mktemp("contested")
    shutil.copytree(trained_template.artifacts, home / "artifacts")
    with server.database(trained_template.database) as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(track, "track_training", lambda *_: 0)
        platform = Platform(server.settings(home, name).model_copy(update={"artifacts": home / "artifacts"}))
        model = calibrated(platform)
        platform.close()
        yield Template(name, home / "artifacts"), model


@pytest.fixture
def rival(server, contested, untracked, tmp_path):
    """A clone of the contested league with artifacts of its own, and the model not in production."""
    template, model = contested
    shutil.copytree(template.artifacts, tmp_path / "artifacts")
    with server.database(template.database) as name:
        platform = Platform(server.settings(tmp_path, name).model_copy(update={"artifacts": tmp_path / "artifacts"}))
        yield platform, model
        platform.close()


def calibrated(platform, **changed):
    model = trained_model(platform, RIVAL.model_copy(update=changed))
    calibrate(platform.engine, platform.settings, model, CalibrationMethod.AUTO, NOW)
    return model


def begun(at, **changed):
    """Return a decision whose command began at `at`, and whose judging takes two minutes."""
    return Decision("better", "ann", at, clock=lambda: at + 2 * MINUTE, **changed)


def promoted(platform, model, decision):
    return promote(platform.engine, platform.settings, model, decision)


def rolled_back(platform, decision):
    return rollback(platform.engine, platform.settings, SPORT, BetType.MONEYLINE, decision)


def roles(platform):
    """Return the role of every moneyline model that spoke."""
    rows = list_predictions(platform.settings, SPORT, Listed(shadow=True, limit=10_000))
    return {row["model"]: row["role"] for row in rows if row["bet_type"] == "moneyline"}


def test_a_night_that_predicts_while_a_promotion_is_judged_speaks_for_the_old_champion_alone(rival, monkeypatch):
    platform, model = rival
    (champion,) = production(platform)
    honest = promotion.gate_of

    def judged(*given):
        gate = honest(*given)
        predict(platform.engine, platform.settings, open_week_request())
        return gate

    monkeypatch.setattr(promotion, "gate_of", judged)
    promoted(platform, model, begun(NOW - MINUTE))
    assert production(platform) == [model]
    assert roles(platform) == {champion[:8]: "production"}
    monkeypatch.undo()
    (run,) = predict(platform.engine, platform.settings, open_week_request(now=NOW + 2 * MINUTE))
    assert run.written > 0  # the slot was the old champion's: what the new one says of it is a shadow's
    assert roles(platform) == {champion[:8]: "production", model[:8]: "shadow"}
    assert verify_ledger(platform.settings, None)[2] == []


def test_a_promotion_between_reading_and_publishing_changes_nothing_of_what_is_published(rival, monkeypatch):
    platform, model = rival
    (champion,) = production(platform)
    honest, slots = prediction.publish, []

    def published(*given):
        if not slots:
            promoted(platform, model, begun(NOW - MINUTE))
        slots.append(given)
        return honest(*given)

    monkeypatch.setattr(prediction, "publish", published)
    predict(platform.engine, platform.settings, past_week_request())
    assert len(slots) > 1
    assert roles(platform) == {champion[:8]: "production"}
    assert verify_ledger(platform.settings, None)[2] == []


def test_a_run_that_follows_a_decision_of_its_own_minute_is_the_new_champions(rival):
    platform, model = rival
    promoted(platform, model, begun(NOW - MINUTE))  # decided a minute after the run's command began
    predict(platform.engine, platform.settings, open_week_request())
    assert roles(platform) == {model[:8]: "production"}


def test_a_prediction_waits_for_a_decision_under_way_and_follows_it(rival, monkeypatch):
    platform, model = rival
    deciding, reached = threading.Event(), threading.Event()
    honest = promotion._write

    def slowly(*given):
        honest(*given)
        deciding.set()
        reached.wait(2)  # uncommitted: a reader would still see the old champion

    monkeypatch.setattr(promotion, "_write", slowly)
    thread = threading.Thread(target=promoted, args=(platform, model, begun(NOW - MINUTE)))
    thread.start()
    assert deciding.wait(60)
    predict(platform.engine, platform.settings, open_week_request(now=NOW + 3 * MINUTE))
    reached.set()
    thread.join()
    assert roles(platform) == {model[:8]: "production"}


def test_of_two_rollbacks_at_once_one_wins_and_none_goes_two_back(rival, monkeypatch):
    platform, model = rival
    (first,) = production(platform)
    third = calibrated(platform, name="third", params={"C": 0.002})
    for number, each in enumerate((model, third)):
        promoted(platform, each, begun(NOW + number * MINUTE, force=True))
    both = threading.Barrier(2, timeout=60)
    honest = promotion.acts.lock_decisions

    def at_once(*given):
        both.wait()
        honest(*given)

    monkeypatch.setattr(promotion.acts, "lock_decisions", at_once)
    ended = []

    def back():
        try:
            ended.append(str(rolled_back(platform, begun(NOW + timedelta(hours=1))).model.id))
        except GuardError as error:
            ended.append(str(error))

    threads = [threading.Thread(target=back) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    monkeypatch.undo()
    assert production(platform) == [model]
    assert sorted(ended)[0] == model or sorted(ended)[1] == model
    assert any("another decision over SIM-NFL moneyline was taken meanwhile" in each for each in ended)
    with platform.engine.connect() as connection:
        aliases = wanted_aliases(connection, SPORT, BetType.MONEYLINE)
    assert (aliases["champion"], aliases["previous"]) == (model, first)
    assert str(rolled_back(platform, begun(NOW + timedelta(hours=2))).model.id) == first  # two in a row: two back
    with pytest.raises(GuardError, match="no champion before the present one"):
        rolled_back(platform, begun(NOW + timedelta(hours=3)))
    assert [row["action"] for row in history(platform.settings, SPORT, BetType.MONEYLINE, 9)].count("rollback") == 2


def test_a_model_whose_files_are_gone_is_not_promoted_and_nothing_is_written(rival, tmp_path):
    platform, model = rival
    folder = platform.settings.artifacts_dir / platform.one("SELECT file_path FROM ml_models WHERE id = :id", id=model)
    kept = shutil.copytree(folder, tmp_path / "kept")
    losses = (
        lambda: (folder / "oof.parquet").write_bytes(b"PAR1" + bytes(200) + b"PAR1"),
        lambda: shutil.rmtree(folder / "model"),
        lambda: shutil.rmtree(folder),
    )
    before = platform.snapshot()
    for lose in losses:
        lose()
        with pytest.raises(ArtifactError):
            promoted(platform, model, begun(NOW, force=True))
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(kept, folder)
    assert platform.snapshot() == before


def test_a_lost_champion_does_not_keep_its_successor_out(rival):
    platform, model = rival
    (champion,) = production(platform)
    place = platform.one("SELECT file_path FROM ml_models WHERE id = :id", id=champion)
    shutil.rmtree(platform.settings.artifacts_dir / place)
    assert promoted(platform, model, begun(NOW)).gate.verdict == "PROMOTE"
    with pytest.raises(ArtifactError):
        rolled_back(platform, begun(NOW + timedelta(hours=1)))
    assert production(platform) == [model]


def test_only_a_models_own_sport_and_bet_type_change_and_no_model_is_guessed(rival):
    platform, model = rival
    others = [production(platform, bet_type) for bet_type in ("spread", "total")]
    for reference in ("", "  ", "%", "_", model[:8] + "%"):
        with pytest.raises(UsageError):
            promoted(platform, reference, begun(NOW, force=True))
    promoted(platform, model.upper(), begun(NOW))
    assert [production(platform, bet_type) for bet_type in ("spread", "total")] == others
    assert production(platform) == [model]
    with pytest.raises(AiproError):
        rollback(platform.engine, platform.settings, "NFL", BetType.MONEYLINE, begun(NOW))
    with platform.engine.begin() as connection:
        insert = sa.text("INSERT INTO sports (id, code, name, created_at) VALUES (:id, 'NFL', 'NFL', now())")
        connection.execute(insert, {"id": derive_id("sport", "NFL")})
    with pytest.raises(UsageError, match="is one of SIM-NFL, not of NFL"):
        predict(platform.engine, platform.settings, replace(open_week_request(model=model), sport="NFL"))
