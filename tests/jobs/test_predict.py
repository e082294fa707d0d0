"""Prediction from the database to the ledger: what is published, what is abstained from, and what is refused."""

import math
from collections import defaultdict
from datetime import timedelta

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from aipro_ml.db.repositories import predictions
from aipro_ml.enums import BetType
from aipro_ml.errors import LeakError, StaleDataError, UsageError
from aipro_ml.identity import derive_id
from aipro_ml.inference.ledger import FaultKind, Head, verify
from aipro_ml.inference.prediction import HASHED_COLUMNS, prediction_hash_of
from aipro_ml.jobs.listings import verify_ledger
from aipro_ml.jobs.predict import predict
from aipro_ml.jobs.publish import _PREDICTION_COLUMNS
from tests.fixtures_platform import (
    NOW,
    SEASON,
    SPORT,
    Platform,
    load,
    open_game_ids,
    open_week_request,
    past_week_request,
    played,
)


def run(platform, request):
    return predict(platform.engine, platform.settings, request)


def _slot(row):
    return row["run_id"], row["game_id"], row["bet_type"]


def ledger(platform):
    with platform.engine.connect() as connection:
        return predictions.ledger_rows(connection)


def test_predicting_the_same_slots_again_writes_nothing(published):
    before = published.snapshot()
    again = [*run(published, past_week_request()), *run(published, open_week_request())]
    assert sum(report.published for report in again) > 40
    assert sum(report.written for report in again) == 0
    assert published.snapshot() == before


def test_published_and_abstained_make_every_game_and_bet_type(published):
    runs = published.rows("SELECT * FROM fact_prediction_runs")
    assert len(runs) > 3
    for row in runs:
        assert row["published_count"] + row["abstained_count"] == row["games_count"] * 3
        assert len(row["abstentions"]) == row["abstained_count"]
    stored = published.rows("SELECT run_id, count(*) AS n FROM fact_predictions GROUP BY run_id")
    assert {r["id"]: r["published_count"] for r in runs if r["published_count"]} == {
        r["run_id"]: r["n"] for r in stored
    }


def test_a_game_without_quotes_and_one_with_stale_quotes_are_abstained_from(published, league):
    unpriced, stale, *others = open_game_ids(league)
    live = published.rows("SELECT abstentions, mode, id FROM fact_prediction_runs WHERE as_of = :now", now=NOW)
    assert [row["mode"] for row in live] == ["live"]
    told = {(a["game_id"], a["bet_type"]): a["reason"] for a in live[0]["abstentions"]}
    assert told == {(game, b.value): "no_fresh_quote" for game in (unpriced, stale) for b in BetType}
    games = published.rows("SELECT DISTINCT game_id FROM fact_predictions WHERE run_id = :run", run=live[0]["id"])
    assert {str(row["game_id"]) for row in games} == set(others)


def test_weeks_long_played_are_marked_back_filled_and_decided_a_minute_before_each_kick_off(published):
    rows = published.rows(
        "SELECT f.as_of, g.game_date FROM fact_predictions f JOIN games g ON g.id = f.game_id "
        "JOIN fact_prediction_runs r ON r.id = f.run_id WHERE r.mode = 'backfilled'"
    )
    assert len(rows) == 48
    assert {row["game_date"] - row["as_of"] for row in rows} == {timedelta(minutes=1)}


def test_a_run_holds_the_versions_of_everything_it_used(published):
    models = {row["bet_type"]: row for row in published.rows("SELECT * FROM ml_models WHERE is_production")}
    for row in published.rows("SELECT versions FROM fact_prediction_runs"):
        versions = row["versions"]
        assert {"code", "devig", "policy", "models"} <= versions.keys()
        for bet_type, used in versions["models"].items():
            metrics = models[bet_type]["performance_metrics"]
            assert used["model_id"] == str(models[bet_type]["id"])
            assert used["artifact"] == metrics["artifact_hash"]
            assert used["feature_set"] == metrics["identity"]["feature_set"]
            assert used["calibration"] == metrics["calibration"]["hash"]
            assert used["blend"] == metrics["blend"]["hash"]
            assert used["interval"] == metrics["calibration"]["interval"]["hash"]


def test_every_prediction_holds_the_interval_around_its_probability(published):
    rows = published.rows("SELECT probability, probability_low, probability_high FROM fact_predictions")
    assert rows
    assert all(row["probability_low"] <= row["probability"] <= row["probability_high"] for row in rows)
    assert any(row["probability_low"] < row["probability_high"] for row in rows)


def test_every_stored_hash_is_recomputed_from_its_ledger_row_and_the_chain_holds(published):
    rows = ledger(published)
    assert len(rows) == 48 + 42
    assert [prediction_hash_of(row) for row in rows] == [row["prediction_hash"] for row in rows]
    count, head, faults = verify_ledger(published.settings, None)
    assert (count, faults) == (len(rows), [])
    assert verify_ledger(published.settings, head)[2] == []


def test_predictions_hold_what_their_ledger_rows_hold(published):
    differs = " OR ".join(f"p.{name} IS DISTINCT FROM f.{name}" for name in _PREDICTION_COLUMNS)
    joined = "FROM fact_predictions f FULL JOIN predictions p ON p.id = f.prediction_id"
    assert published.one(f"SELECT count(*) {joined}") == 90
    assert published.one(f"SELECT count(*) {joined} WHERE {differs}") == 0


def test_explanations_sum_to_the_logit_of_the_published_probability(published):
    sums = defaultdict(float)
    terms = defaultdict(set)
    for row in published.rows("SELECT prediction_id, feature_name, shap_value FROM shap_explanations"):
        sums[row["prediction_id"]] += row["shap_value"]
        terms[row["prediction_id"]].add(row["feature_name"])
    stored = published.rows("SELECT id, probability FROM predictions")
    assert len(stored) == len(sums) == 90
    for row in stored:
        p = row["probability"]
        assert sums[row["id"]] == pytest.approx(math.log(p / (1 - p)), abs=1e-6)
        assert len(terms[row["id"]]) == 14
        assert {"(rest)", "(base)", "(calibration)", "(blend)"} <= terms[row["id"]]


def test_a_dry_run_publishes_nothing(trained):
    before = trained.snapshot()
    reports = run(trained, open_week_request(dry_run=True))
    assert sum(report.written for report in reports) == 42
    assert trained.snapshot() == before


def test_a_changed_quote_gives_a_new_prediction_in_the_same_run(published, league):
    game = open_game_ids(league)[2]
    before = {row["prediction_hash"] for row in ledger(published)}
    book = derive_id("sportsbook", league.books[0].name)
    insert = (
        "INSERT INTO odds (id, game_id, sportsbook_id, market_type, selection, price, recorded_at) VALUES "
        "(gen_random_uuid(), :game, :book, 'moneyline', :side, :price, :at)"
    )
    with published.engine.begin() as connection:
        for side, price in (("home", 150), ("away", -170)):
            at = (NOW - timedelta(minutes=5)).replace(tzinfo=None)
            connection.execute(sa.text(insert), {"game": game, "book": book, "side": side, "price": price, "at": at})
    (report,) = run(published, open_week_request())
    added = [row for row in ledger(published) if row["prediction_hash"] not in before]
    assert report.written == len(added)
    assert {row["run_id"] for row in added} == {report.run_id}
    (changed,) = [row for row in added if str(row["game_id"]) == game and row["bet_type"] == "moneyline"]
    assert (changed["odds_at_prediction"] == 150) or (changed["predicted_side"] == "away")
    # the cap over the slate ties all stakes together, and nothing else
    for row in added:
        old = [r for r in ledger(published) if r["seq"] < row["seq"] and _slot(r) == _slot(row)][-1]
        differing = {name for name in HASHED_COLUMNS if old[name] != row[name]}
        assert row is changed or differing == {"kelly_fraction"}
    assert verify_ledger(published.settings, None)[2] == []
    stored = published.one(
        "SELECT published_count + abstained_count FROM fact_prediction_runs WHERE id = :run", run=report.run_id
    )
    assert stored == 3 * report.games


def test_an_as_of_in_the_future_is_refused(trained):
    with pytest.raises(StaleDataError, match="lies in the future"):
        run(trained, open_week_request(as_of=NOW + timedelta(seconds=1)))
    with pytest.raises(StaleDataError, match="lies in the future"):
        run(trained, open_week_request(as_of=None))


def test_a_model_that_learned_from_later_games_is_refused(trained):
    with pytest.raises(LeakError, match="learned from games up to"):
        run(trained, past_week_request(season=2024))
    assert trained.one("SELECT count(*) FROM fact_prediction_runs") == 0


def test_without_a_production_model_the_error_says_what_to_do(trained):
    with trained.engine.begin() as connection:
        connection.execute(sa.text("UPDATE ml_models SET is_production = FALSE"))
    with pytest.raises(UsageError, match="aipro model promote"):
        run(trained, open_week_request())


def test_a_request_that_fits_no_game_is_refused_clearly(trained):
    with pytest.raises(UsageError, match="no game of SIM-NFL fits"):
        run(trained, open_week_request(week=40))
    with pytest.raises(UsageError, match="say which games"):
        run(trained, open_week_request(season=None, week=None))


def test_a_model_that_is_not_in_production_speaks_where_it_is_asked_for(trained):
    model = trained.rows("SELECT id FROM ml_models WHERE bet_type = 'total'")[0]["id"]
    with trained.engine.begin() as connection:
        connection.execute(sa.text("UPDATE ml_models SET is_production = FALSE"))
    (report,) = run(trained, open_week_request(model=str(model)[:10]))
    assert report.written == 14
    assert {row["bet_type"] for row in ledger(trained)} == {"total"}


def test_the_games_of_a_local_day_are_those_of_its_own_time_zone(trained):
    kickoffs = trained.rows(
        "SELECT g.game_date FROM games g JOIN seasons s ON s.id = g.season_id WHERE s.year = :season", season=SEASON
    )
    local = pd.Series([pd.Timestamp(row["game_date"], tz="UTC") for row in kickoffs]).dt.tz_convert("America/New_York")
    monday_night = local[(local.dt.weekday == 0) & (local.dt.hour == 20)].min()
    assert monday_night.tz_convert("UTC").date() != monday_night.date()
    reports = run(trained, past_week_request(season=None, week=None, day=monday_night.date(), dry_run=True))
    assert sum(report.games for report in reports) == int((local.dt.date == monday_night.date()).sum())


@pytest.mark.parametrize("role", ["app", "owner"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE fact_predictions SET probability = 0.9 WHERE seq = 3",
        "DELETE FROM fact_predictions WHERE seq = 3",
        "TRUNCATE fact_predictions CASCADE",
    ],
)
def test_the_database_refuses_to_change_the_ledger(published, role, statement):
    engine = published.engine if role == "app" else published.owner()
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()
    assert len(ledger(published)) == 90


def test_verify_names_a_row_that_was_changed_behind_the_database_s_back(published):
    rows = ledger(published)
    rows[2] = {**rows[2], "probability": 0.9}
    (fault,) = verify(rows)
    assert (fault.kind, fault.seq) == (FaultKind.EDIT, 3)
    assert prediction_hash_of(rows[2]) != rows[2]["prediction_hash"]
    head = Head(rows[-1]["seq"], rows[-1]["chain_hash"])
    assert [fault.kind for fault in verify(ledger(published)[:-5], head)] == [FaultKind.TRUNCATION]


def test_a_prediction_stays_as_it_was_when_its_game_was_played(published, league):
    before = ledger(published)
    load(published, played(league), b"played")
    assert ledger(published) == before
    again = run(published, open_week_request())
    assert [report.written for report in again] == [0]


def test_the_platform_of_these_tests_is_a_clone(trained: Platform):
    assert trained.one("SELECT count(*) FROM fact_predictions") == 0
    assert trained.one("SELECT count(*) FROM games g JOIN sports s ON s.id = g.sport_id WHERE s.code = :s", s=SPORT)
