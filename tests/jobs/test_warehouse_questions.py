"""The warehouse's answers are what performance says of the same predictions, counted the same way."""

from datetime import UTC, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from aipro_ml.db.repositories.questions import QUESTIONS
from aipro_ml.errors import UsageError
from aipro_ml.evaluation.performance import scored_rows, summary
from aipro_ml.features.sport import sport
from aipro_ml.jobs.grade import grade_sport
from aipro_ml.jobs.performance import SEED, counted_predictions, list_days, update_performance
from aipro_ml.jobs.predict import predict
from aipro_ml.jobs.warehouse import refresh
from aipro_ml.jobs.warehouse_questions import Asked, ask
from tests.fixtures_commands import use
from tests.fixtures_platform import LATER, PAST_WEEK, SEASON, SPORT, load, past_week_request, played

GROUPS = {
    "by-tier": ["signal_tier"],
    "by-bet-type": ["bet_type"],
    "by-season": ["season"],
    "by-book": ["book"],
    "by-month": ["month"],
}
FIGURES = {"bets": "n", "win": "win", "loss": "loss", "returned": "push", "units": "units", "roi": "roi"}
FIGURES |= {"clv": "mean_clv", "clv_coverage": "clv_coverage"}


def told(platform, by, asked=None):
    return ask(platform.engine, by, asked or Asked()).table


def counted_of(platform):
    with platform.engine.connect() as connection:
        return counted_predictions(connection, sport(SPORT), backfilled=True).graded


def test_every_answer_follows_from_the_predictions_that_count(published, league, aipro, monkeypatch, tmp_path):
    """Live and back-filled, and a game that was decided a second time, half a minute before its kick-off."""
    engine = published.engine
    last = published.one(
        "SELECT max(g.game_date) FROM games g JOIN seasons s ON s.id = g.season_id WHERE s.year = :y AND g.week = :w",
        y=SEASON, w=PAST_WEEK,
    )  # fmt: skip
    predict(engine, published.settings, past_week_request(as_of=last.replace(tzinfo=UTC) - timedelta(seconds=30)))
    load(published, played(league), b"played")
    assert told(published, "by-tier").empty
    grade_sport(engine, SPORT, LATER)
    assert ask(engine, "by-tier", Asked()).behind == (SPORT,)
    refresh(engine, LATER)
    assert ask(engine, "by-tier", Asked()).behind == ()
    rows = counted_of(published)
    rows = rows.assign(book=rows["book"].fillna("(no price)"), month=rows["kickoff"].dt.strftime("%Y-%m"))
    assert set(rows["mode"]) == {"live", "backfilled"}
    assert len(rows) < published.one("SELECT count(*) FROM fact_bets")  # the earlier decision does not count
    money_is_that_of_performance(published, rows)
    bins_are_those_of_the_scored(published, rows)
    games_and_teams_are_told(published, rows)
    use(monkeypatch, published)
    files_hold_the_answer(published, aipro, tmp_path)
    live_days_keep_their_own_row(published, rows)


def money_is_that_of_performance(published, rows):
    for question, by in GROUPS.items():
        keys = ["mode", "role", *by]
        found = told(published, question).rename(columns={"tier": "signal_tier"}).sort_values(keys)
        wanted = summary(rows, keys, SEED).sort_values(keys)
        assert found[keys].astype(str).to_numpy().tolist() == wanted[keys].astype(str).to_numpy().tolist(), question
        for theirs, ours in FIGURES.items():
            np.testing.assert_allclose(found[theirs].astype(float), wanted[ours].astype(float), atol=1e-9)


def bins_are_those_of_the_scored(published, rows):
    scored = scored_rows(rows)
    for (mode, bet_type), part in told(published, "calibration").groupby(["mode", "bet_type"]):
        mine = scored[(scored["mode"] == mode) & (scored["bet_type"] == bet_type)]
        assert (part["n"].sum(), part["n"].max() - part["n"].min() <= 1) == (len(mine), True)
        assert (part["n"] * part["mean_p"]).sum() == pytest.approx(mine["p"].sum())
        assert (part["n"] * part["won"]).sum() == pytest.approx(mine["y"].sum())
        assert (part["p_to"].to_numpy()[:-1] <= part["p_from"].to_numpy()[1:]).all()


def games_and_teams_are_told(published, rows):
    start = rows["kickoff"].max().normalize() - pd.Timedelta(days=3)
    late = told(published, "by-sport", Asked(SPORT.lower(), start.to_pydatetime(), LATER))
    assert late["bets"].sum() == (rows["kickoff"] >= start).sum() < len(rows)
    assert told(published, "by-sport", Asked("NFL")).empty
    teams = told(published, "by-team")
    assert set(teams["team"]) > {"(both)"}
    assert told(published, "by-division")["bets"].sum() == teams["bets"].sum() == len(rows)
    assert told(published, "by-weekday")["weekday"].between(1, 7).all()
    assert told(published, "closes")["sides"].sum() == published.one("SELECT count(*) FROM fact_odds")
    for name in QUESTIONS:
        told(published, name)


def files_hold_the_answer(published, aipro, tmp_path):
    csv, parquet = tmp_path / "a.csv", tmp_path / "a.parquet"
    assert aipro(f"warehouse query by-bet-type --csv {csv} --parquet {parquet}").code == 0
    pd.testing.assert_frame_equal(pd.read_csv(csv), pd.read_parquet(parquet), check_dtype=False)
    assert len(pd.read_csv(csv)) == len(told(published, "by-bet-type"))
    assert "calibration" in aipro("warehouse query").out
    wrong = aipro("warehouse query by-luck")
    assert (wrong.code, "by-tier" in wrong.err) == (2, True)
    assert aipro(f"warehouse query by-tier --csv {tmp_path}/no/a.csv").code == 2


def live_days_keep_their_own_row(published, rows):
    """Of a day with live predictions the back-filled ones of other games do not enter the row (same model and day)."""
    update_performance(published.engine, SPORT, LATER, backfilled=True)
    days = pd.DataFrame(list_days(published.engine, SPORT, 1000))
    assert set(days["mode"]) == {"live", "backfilled"}
    before = {(day["model_id"], day["date"]): day["n"] for day in days.to_dict("records") if day["mode"] == "live"}
    late = rows[rows["mode"] == "live"].iloc[-1]
    other = next(game for game in rows.loc[rows["mode"] == "backfilled", "game_id"])
    with published.engine.begin() as connection:  # a back-filled game on a live day
        moved = sa.text("UPDATE games SET game_date = :at WHERE id = :id")
        connection.execute(moved, {"at": late["kickoff"].to_pydatetime().replace(tzinfo=None), "id": other})
    update_performance(published.engine, SPORT, LATER + timedelta(days=1), backfilled=True)
    after = pd.DataFrame(list_days(published.engine, SPORT, 1000))
    live = {(day["model_id"], day["date"]): day["n"] for day in after.to_dict("records") if day["mode"] == "live"}
    assert live == before
    assert (live[late["model_id"], late["kickoff"].date()]) > 0


def test_an_unknown_question_or_sport_is_refused(trained):
    with pytest.raises(UsageError, match="by-tier"):
        ask(trained.engine, "by-luck", Asked())
    with pytest.raises(UsageError, match="unknown sport"):
        ask(trained.engine, "by-tier", Asked("CURLING"))
