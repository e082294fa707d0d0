"""The database itself keeps the ledger: nothing said is changed, and what is live was said before kick-off."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from aipro_ml.db import backup as archive
from aipro_ml.db import migrate
from aipro_ml.db.engine import open_database
from aipro_ml.db.repositories import predictions
from aipro_ml.enums import RunMode
from aipro_ml.errors import StaleDataError
from aipro_ml.jobs.listings import verify_ledger
from aipro_ml.jobs.predict import predict
from tests.fixtures_platform import (
    NOW,
    Platform,
    open_game_ids,
    open_week_request,
    past_week_request,
    stop_ledger_clock,
)

RUN = "(SELECT id FROM fact_prediction_runs WHERE mode = 'live' LIMIT 1)"
REFUSED = [
    "UPDATE predictions SET probability = 0.9",
    "UPDATE predictions SET created_at = created_at - interval '1 day'",
    "DELETE FROM predictions",
    "TRUNCATE predictions CASCADE",
    "UPDATE shap_explanations SET shap_value = 0",
    "DELETE FROM shap_explanations",
    "TRUNCATE shap_explanations",
    "UPDATE fact_predictions SET created_at = created_at - interval '1 day'",
    "DELETE FROM fact_predictions",
    "DELETE FROM fact_prediction_runs",
    "DELETE FROM fact_prediction_runs WHERE published_count = 0",
    "TRUNCATE fact_prediction_runs CASCADE",
    "UPDATE fact_prediction_runs SET mode = 'live' WHERE mode = 'backfilled'",
    "UPDATE fact_prediction_runs SET as_of = as_of - interval '1 hour'",
    "UPDATE fact_prediction_runs SET slot = slot - interval '1 hour'",
    "UPDATE fact_prediction_runs SET versions = '{}'",
    "UPDATE fact_prediction_runs SET versions = NULL",
    "UPDATE fact_prediction_runs SET published_count = 0",
    "UPDATE fact_prediction_runs SET abstentions = '[]'",
    "UPDATE fact_prediction_runs SET status = 'running'",
    "UPDATE fact_prediction_runs SET completed_at = NULL",
    "UPDATE fact_prediction_runs SET error_message = 'x'",
    f"UPDATE fact_prediction_runs SET journal = '[2]' WHERE id = {RUN}",
    f"UPDATE fact_prediction_runs SET journal = NULL WHERE id = {RUN}",
    "ALTER TABLE fact_predictions DISABLE TRIGGER USER",
    "CREATE OR REPLACE FUNCTION ledger_clock() RETURNS timestamp LANGUAGE sql AS $$ SELECT now()::timestamp $$",
]
OWNERS = tuple(REFUSED[:-2])
"""The owner may disable a trigger or replace the clock: `aipro db check` then says so."""


@pytest.fixture
def noted(published: Platform) -> Platform:
    """The published league, the journal of its live run begun."""
    with published.engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE fact_prediction_runs SET journal = '[1]' WHERE id = {RUN}"))
    return published


def test_whatever_would_change_what_was_said_is_refused(noted: Platform) -> None:
    before, owner = noted.snapshot(), noted.owner()
    for engine, statements in ((noted.engine, REFUSED), (owner, OWNERS)):
        for statement in statements:
            with pytest.raises(DBAPIError), engine.begin() as connection:
                connection.execute(sa.text(statement))
    owner.dispose()
    assert noted.snapshot() == before


def test_the_journal_of_a_finished_run_grows(noted: Platform) -> None:
    with noted.engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE fact_prediction_runs SET journal = journal || '[2, 3]' WHERE id = {RUN}"))
    assert noted.one(f"SELECT journal FROM fact_prediction_runs WHERE id = {RUN}") == [1, 2, 3]


def insert_run(connection: sa.Connection, **values: Any) -> None:
    columns = {"id": uuid4(), "slot": NOW, "as_of": NOW, "mode": "live", "started_at": NOW, **values}
    sport = "(SELECT sport_id FROM fact_prediction_runs LIMIT 1)"
    names, places = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    connection.execute(
        sa.text(f"INSERT INTO fact_prediction_runs (sport_id, {names}) VALUES ({sport}, {places})"), columns
    )


def test_an_open_run_is_filled_and_finished_but_keeps_its_slot_and_mode(published: Platform) -> None:
    run, slot = uuid4(), NOW - timedelta(days=1)
    with published.engine.begin() as connection:
        insert_run(connection, id=run, slot=slot, as_of=slot, status="running")
        for change in ("journal = '[1]'", "journal = '[2]'", "versions = '{\"code\": 1}'", "status = 'completed'"):
            connection.execute(sa.text(f"UPDATE fact_prediction_runs SET {change} WHERE id = :run"), {"run": run})
    other = uuid4()
    with published.engine.begin() as connection:
        insert_run(connection, id=other, slot=slot, as_of=slot - timedelta(hours=1), status="running")
    for change in ("mode = 'backfilled'", "slot = now()", "as_of = now()", "started_at = now()"):
        with pytest.raises(DBAPIError, match="never change"), published.engine.begin() as connection:
            connection.execute(sa.text(f"UPDATE fact_prediction_runs SET {change} WHERE id = :run"), {"run": other})


def test_a_live_prediction_stored_after_its_kick_off_is_refused_whatever_it_says_of_itself(trained: Platform) -> None:
    before = trained.snapshot()
    kickoff = trained.one("SELECT min(game_date) FROM games WHERE status = 'scheduled'")
    stop_ledger_clock(trained, kickoff)  # the run says it was computed at NOW; the server knows better
    with pytest.raises(StaleDataError, match="a live prediction must be stored before"):
        predict(trained.engine, trained.settings, open_week_request())
    assert trained.snapshot() == before
    stop_ledger_clock(trained, kickoff - timedelta(seconds=1))
    assert predict(trained.engine, trained.settings, open_week_request())[0].mode is RunMode.LIVE


def test_the_kick_off_is_that_of_the_newest_revision_and_no_temporary_table_stands_in_for_it(
    trained: Platform, league: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    game = open_game_ids(league)[3]
    move = (
        "INSERT INTO game_revisions (id, game_id, revision, source, source_game_id, season_type, week, game_number,"
        " neutral_site, game_date, kickoff_estimated, status, overtime, known_at, created_at)"
        " SELECT gen_random_uuid(), game_id, revision + 1, source, source_game_id, season_type, week, game_number,"
        " neutral_site, :early, kickoff_estimated, status, overtime, :now, created_at FROM game_revisions"
        " WHERE game_id = :game ORDER BY revision DESC LIMIT 1"
    )
    with trained.engine.begin() as connection:
        now = NOW.replace(tzinfo=None)  # not known yet to who decides at NOW, but to the guard
        moved = {"early": now, "now": now + timedelta(seconds=1), "game": game}
        connection.execute(sa.text(move), moved)
    save = predictions.save_predictions

    def beside_a_temporary_table(connection: sa.Connection, *frames: pd.DataFrame) -> None:
        connection.execute(sa.text("CREATE TEMPORARY TABLE games (id uuid, game_date timestamp) ON COMMIT DROP"))
        save(connection, *frames)

    monkeypatch.setattr(predictions, "save_predictions", beside_a_temporary_table)
    with pytest.raises(StaleDataError, match=game):
        predict(trained.engine, trained.settings, open_week_request())


def test_back_filled_predictions_of_games_long_played_are_let_in(trained: Platform) -> None:
    reports = predict(trained.engine, trained.settings, past_week_request())
    assert {report.mode for report in reports} == {RunMode.BACKFILLED}
    assert sum(report.written for report in reports) == 48


def test_a_row_must_be_decided_at_the_as_of_of_its_run(trained: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    from aipro_ml.jobs import publish

    row = publish._run_row
    monkeypatch.setattr(publish, "_run_row", lambda *a: {**row(*a), "as_of": NOW - timedelta(hours=3)})
    with pytest.raises(StaleDataError, match="not decided at the as_of of its run"):
        predict(trained.engine, trained.settings, open_week_request())


def test_a_backup_of_live_predictions_restores_long_after_their_kick_off(
    published: Platform, server, template, tmp_path
):
    archive.backup(published.engine, tmp_path / "one.backup")
    head = verify_ledger(published.settings, None)[1]
    with server.database(template) as name:
        settings = server.settings(tmp_path, name)
        owner = open_database(settings, "owner")
        archive.restore(owner, tmp_path / "one.backup")
        with owner.connect() as connection:
            assert migrate.differences(connection) == []  # the guards stand again
        owner.dispose()
        assert verify_ledger(settings, head)[1:] == (head, [])
        again = Platform(settings)
        with pytest.raises(DBAPIError), again.engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM predictions"))
        again.close()


def test_the_database_of_the_previous_release_is_upgraded_without_a_row_lost(published: Platform) -> None:
    tables = ("predictions", "shap_explanations", "fact_predictions", "fact_prediction_runs")
    digest = "SELECT md5(string_agg(t::text, '' ORDER BY id)) FROM {} t"
    before = [published.one(digest.format(name)) for name in tables]
    owner = published.owner()
    with owner.begin() as connection:
        migrate.downgrade(connection, "0001")
        connection.execute(sa.text("UPDATE predictions SET edge = edge"))  # what the previous release let pass
    with owner.begin() as connection:
        migrate.upgrade(connection)
        assert migrate.current(connection) == migrate.head() == "0002"
        assert migrate.differences(connection) == []
    owner.dispose()
    assert [published.one(digest.format(name)) for name in tables] == before
    assert verify_ledger(published.settings, None)[2] == []
