"""A run is computed again from what was known then: equal after all that came later, and a changed row is named."""

import shutil
from dataclasses import replace as with_values
from datetime import timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from aipro_ml.db.repositories import predictions
from aipro_ml.enums import BetType, CalibrationMethod
from aipro_ml.errors import GuardError, UsageError
from aipro_ml.identity import derive_id
from aipro_ml.jobs.calibrate import calibrate
from aipro_ml.jobs.predict import predict
from aipro_ml.jobs.replay import ReplayRequest, replay
from tests.fixtures_platform import (
    LATER,
    NOW,
    SEASON,
    SPORT,
    Platform,
    load,
    open_game_ids,
    open_week_request,
    played,
    with_score,
)

WHOLE = ReplayRequest(season=SEASON, sport=SPORT)


def replayed(platform, request=WHOLE):
    return replay(platform.engine, platform.settings, request)


def differences(replays):
    return [each for one in replays for each in one.differences]


def tamper(platform, *statements):
    """Change what is stored as its owner can, triggers disabled."""
    engine = platform.owner()
    with engine.begin() as connection:
        for table in ("fact_predictions", "fact_prediction_runs", "game_revisions"):
            connection.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


def quote(platform, league, game, home, away, at):
    book = derive_id("sportsbook", league.books[0].name)
    with platform.engine.begin() as connection:
        for side, price in (("home", home), ("away", away)):
            connection.execute(
                sa.text(
                    "INSERT INTO odds (id, game_id, sportsbook_id, market_type, selection, price, recorded_at) VALUES "
                    "(gen_random_uuid(), :game, :book, 'moneyline', :side, :price, :at)"
                ),
                {"game": game, "book": book, "side": side, "price": price, "at": at.replace(tzinfo=None)},
            )


def test_every_run_comes_again_after_results_corrections_quotes_and_a_new_calibration(published, league, own_copy):
    platform, before = own_copy(published), published.snapshot()
    assert differences(replayed(platform)) == []
    done = played(league)
    load(platform, done, b"played", LATER)
    final = done.games.loc[done.games["season"] == SEASON]
    corrected = done
    for game in final["external_id"].iloc[:40]:
        corrected = with_score(corrected, game, 55, 3)
    load(platform, corrected, b"corrected", LATER + timedelta(hours=1))
    for game in open_game_ids(league)[2:6]:
        quote(platform, league, game, 500, -900, NOW + timedelta(seconds=1))
    model = platform.one("SELECT id FROM ml_models WHERE bet_type = 'moneyline'")
    with platform.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ml_models SET is_production = false")
    calibrate(platform.engine, platform.settings, str(model), CalibrationMethod.PLATT, LATER)
    with platform.engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO system_settings (id, key, value, value_type) VALUES "
                f"(gen_random_uuid(), 'tier.{SPORT}.moneyline.C.ev', '-1', 'float')"
            )
        )
    replays = replayed(platform)
    assert differences(replays) == []
    assert sum(one.rows for one in replays) == sum(one.equal for one in replays) == 90
    assert sum(one.abstained for one in replays) == 6
    assert published.snapshot() != before  # the later data did land
    assert {one.mode.value for one in replays} == {"live", "backfilled"}


@pytest.fixture
def own_copy(tmp_path):
    def copied(platform: Platform) -> Platform:
        place = tmp_path / "own"
        shutil.copytree(platform.settings.artifacts_dir, place)
        return Platform(platform.settings.model_copy(update={"artifacts": place}))

    return copied


@pytest.mark.parametrize(
    ("column", "value", "field"),
    [
        ("probability", "0.5", "probability"),
        ("odds_at_prediction", "101", "odds_at_prediction"),
        ("kelly_fraction", "0.019", "kelly_fraction"),
        ("signal_tier", "'A'", "signal_tier"),
        ("fair_probability", "fair_probability - 0.000001", "fair_probability"),
        ("calibrated_probability", "0.123456", "calibrated_probability"),
        ("sportsbook_id", "NULL", "book"),
    ],
)
def test_a_planted_change_is_found_and_the_first_field_named(published, column, value, field):
    row = published.rows("SELECT * FROM fact_predictions WHERE seq = 60")[0]
    tamper(published, f"UPDATE fact_predictions SET {column} = {value} WHERE seq = 60")
    (one,) = replayed(published, ReplayRequest(run=str(row["run_id"])))
    (found,) = one.differences
    assert (found.verdict, found.field, found.game_id) == ("differs", field, str(row["game_id"]))
    assert one.equal == one.rows - 1


def test_rows_that_are_gone_or_never_came_are_missing_or_extra(published):
    rows = published.rows("SELECT * FROM fact_predictions ORDER BY seq DESC LIMIT 2")
    run, game = rows[0]["run_id"], rows[1]["game_id"]
    tamper(
        published,
        f"DELETE FROM fact_predictions WHERE seq = {rows[0]['seq']}",
        f"UPDATE fact_predictions SET model_id = (SELECT id FROM ml_models WHERE id <> model_id LIMIT 1) "
        f"WHERE seq = {rows[1]['seq']}",
        f"UPDATE fact_prediction_runs SET abstentions = abstentions - 0 WHERE id = '{run}'",
    )
    (one,) = replayed(published, ReplayRequest(run=str(run)[:12]))
    told = sorted((found.verdict.value, found.field) for found in one.differences)
    assert told == [
        ("extra", "abstention"),
        ("extra", "prediction"),
        ("extra", "prediction"),
        ("missing", "prediction"),
    ]
    assert str(game) in {found.game_id for found in one.differences}


def test_facts_changed_behind_the_run_show_in_the_features_or_the_market(published):
    run = published.one("SELECT id FROM fact_prediction_runs WHERE mode = 'live'")
    tamper(published, "UPDATE game_revisions SET home_score = home_score + 30 WHERE status = 'final'")
    (one,) = replayed(published, ReplayRequest(run=str(run)))
    assert {found.field for found in one.differences} <= {"model_probability", "predicted_side"}
    assert len(one.differences) > 10


def test_a_second_computation_of_a_slot_is_replayed_as_it_was(published, league):
    quote(published, league, open_game_ids(league)[2], 150, -170, NOW - timedelta(minutes=5))
    later = open_week_request(now=NOW + timedelta(minutes=20))
    (report,) = predict(published.engine, published.settings, later)
    assert report.written
    first, second = replayed(published, ReplayRequest(run=str(report.run_id)))
    # no row says when a quote was imported: the first computation did not have it, and its replay says so
    assert {found.field for found in first.differences if found.bet_type == "moneyline"} >= {"odds_at_prediction"} or {
        found.field for found in first.differences
    } <= {"predicted_side", "odds_at_prediction", "fair_probability", "kelly_fraction"}
    assert second.differences == ()
    assert second.rows == second.equal == report.written


def test_a_shadow_s_predictions_are_replayed_beside_the_champions(published):
    model = published.one("SELECT id FROM ml_models WHERE bet_type = 'total'")
    with published.engine.begin() as connection:
        connection.execute(sa.text("UPDATE ml_models SET is_production = FALSE"))
    predict(
        published.engine, published.settings, open_week_request(as_of=NOW - timedelta(minutes=30), model=str(model))
    )
    replays = replayed(published)
    assert differences(replays) == []
    assert sum(one.rows for one in replays) == 90 + 14


def test_an_artifact_that_is_gone_or_altered_is_refused(published, own_copy):
    platform = own_copy(published)
    model = platform.rows("SELECT file_path, performance_metrics AS m FROM ml_models WHERE bet_type = 'spread'")[0]
    blend = platform.settings.artifacts_dir / model["m"]["blend"]["path"]
    kept = blend.read_text()
    blend.write_text(kept.replace("model_coef", "model_coef ", 1))
    with pytest.raises(GuardError, match="cannot speak as it did then"):
        replayed(platform)
    blend.unlink()
    with pytest.raises(GuardError, match="no file of hash"):
        replayed(platform)
    blend.write_text(kept)
    assert differences(replayed(platform)) == []
    shutil.rmtree(platform.settings.artifacts_dir / model["file_path"])
    with pytest.raises(GuardError, match="cannot speak as it did then"):
        replayed(platform)


def test_a_policy_that_was_changed_under_its_hash_is_refused(published):
    tamper(
        published,
        "UPDATE fact_prediction_runs SET versions = jsonb_set(versions, '{policy_document,kelly,fraction}', '0.5')",
    )
    with pytest.raises(GuardError, match="the policy it kept is not the one its hash names"):
        replayed(published)


def test_a_run_of_before_is_replayed_by_the_policy_its_hash_names(published, monkeypatch):
    from aipro_ml.config import policy_config
    from aipro_ml.identity import content_hash
    from aipro_ml.jobs import predict as job

    plain = policy_config()
    of_before = plain.model_copy(
        update={
            "kelly": plain.kelly.model_copy(update={"shrink": False}),
            "freshness": plain.freshness.model_copy(update={"result_delay_hours": None, "form_max_age_days": {}}),
        }
    )
    monkeypatch.setattr(job, "policy_config", lambda: of_before)
    (report,) = predict(published.engine, published.settings, open_week_request(as_of=NOW - timedelta(minutes=20)))
    run = str(report.run_id)
    document = published.one("SELECT versions -> 'policy_document' FROM fact_prediction_runs WHERE id = :r", r=run)
    document.pop("freshness")
    document["kelly"].pop("shrink")
    strip = "UPDATE fact_prediction_runs SET versions = versions - 'policy_document' || jsonb_build_object('policy', "
    tamper(published, f"{strip}'{content_hash(document)}') WHERE id = '{run}'")
    (one,) = replayed(published, ReplayRequest(run=run))
    assert (one.rows, one.equal, one.differences) == (42, 42, ())
    tamper(published, f"{strip}'{'0' * 64}') WHERE id = '{run}'")
    with pytest.raises(GuardError, match="kept only the hash of its policy"):
        replayed(published, ReplayRequest(run=run))


def test_a_day_names_the_runs_decided_on_it_in_the_sport_s_own_zone(published):
    (one,) = replayed(published, ReplayRequest(day=NOW.date(), sport=SPORT))
    assert (one.mode.value, one.rows) == ("live", 42)
    with pytest.raises(UsageError, match="no run fits"):
        replayed(published, ReplayRequest(day=NOW.date() + timedelta(days=1), sport=SPORT))
    with pytest.raises(UsageError, match="say which runs"):
        replayed(published, ReplayRequest())
    with pytest.raises(UsageError, match="say which sport"):
        replayed(published, ReplayRequest(season=SEASON))


def test_what_is_read_of_a_run_is_what_the_ledger_has(published):
    with published.engine.connect() as connection:
        runs = predictions.stored_runs(connection, SPORT)
        rows = predictions.ledger_rows_of(connection, [run["id"] for run in runs])
    assert len(rows) == 90
    assert all(row["book"] is not None for row in rows)
    assert pd.Series([row["seq"] for row in rows]).is_monotonic_increasing
    assert {bet_type for run in runs for bet_type in run["versions"]["models"]} == {b.value for b in BetType}
    assert with_values(WHOLE, run="x").run == "x"
