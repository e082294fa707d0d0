"""What the warehouse is told of graded predictions: one row each, the same each time, none for a grade taken back."""

import pandas as pd
import pytest
import sqlalchemy as sa

from aipro_ml.db.models.warehouse import FactBet
from aipro_ml.jobs.grade import grade_sport
from aipro_ml.jobs.graded_bets import BET_COLUMNS, graded_bets
from tests.fixtures_platform import LATER, NOW, SPORT, load, open_game_ids, played


def bets(platform):
    with platform.engine.connect() as connection:
        return graded_bets(connection, SPORT)


def test_before_anything_is_graded_there_are_no_bets_but_their_columns(published):
    found = bets(published)
    assert found.empty
    assert set(BET_COLUMNS) | {"bet_id", "user_id"} == {column.name for column in FactBet.__table__.columns}
    assert list(found.columns) == list(BET_COLUMNS)


def test_a_graded_prediction_is_one_bet_with_the_stored_grade_and_its_value_at_the_close(published, league):
    load(published, played(league), b"played")
    grade_sport(published.engine, SPORT, LATER)
    found = bets(published).set_index("prediction_id")
    stored = published.rows("SELECT * FROM prediction_results")
    assert len(found) == len(stored) == 90
    for row in stored:
        bet = found.loc[str(row["prediction_id"])]
        assert (bet["result"], bet["profit_units"]) == (row["actual_result"], pytest.approx(row["profit_loss"]))
        assert bet["clv_ev"] == pytest.approx(row["clv"], nan_ok=True)
        assert bet["graded_at"] == bet["created_at"] == pd.Timestamp(row["graded_at"], tz="UTC")
    assert found["clv_probability"].notna().all()
    assert found.loc[found["bet_type"] != "moneyline", "clv_points"].notna().all()
    assert set(found["stake_units"]) == {1.0}
    assert bets(published).equals(bets(published))


def test_the_bet_of_a_game_taken_back_is_gone(published, league):
    load(published, played(league), b"played")
    grade_sport(published.engine, SPORT, LATER)
    game = open_game_ids(league)[2]
    with published.engine.begin() as connection:
        connection.execute(sa.text("UPDATE games SET status = 'postponed' WHERE id = :id"), {"id": game})
    assert set(bets(published)["game_id"]).isdisjoint({game})
    grade_sport(published.engine, SPORT, NOW)
    assert len(bets(published)) == 87
