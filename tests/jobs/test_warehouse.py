"""The warehouse: refreshed night by night it is what a rebuild makes of it."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import sqlalchemy as sa

from aipro_ml.jobs.dimensions import date_rows, model_rows, team_rows
from aipro_ml.jobs.grade import grade_sport
from aipro_ml.jobs.warehouse import refresh
from aipro_ml.sources.franchises import franchises
from tests.fixtures_nightly import differing, dump
from tests.fixtures_platform import LATER, NOW, SPORT, load, played, with_score
from tests.soak import size

ACTS = ("promote", "rollback", "force")
_DECIDED = sa.text(
    "INSERT INTO fact_model_promotions (id, sport_id, bet_type, model_id, action, verdict, decided_at) "
    "SELECT gen_random_uuid(), sport_id, :b, id, :a, 'PROMOTE', :at FROM ml_models WHERE id = :m"
)
_RIVALS = sa.text(
    "INSERT INTO ml_models (id, sport_id, bet_type, framework, version, is_production, created_at) "
    "SELECT gen_random_uuid(), sport_id, bet_type, framework, 'rival', FALSE, created_at FROM ml_models"
)
_CORRECTED = sa.text("UPDATE games SET home_score = coalesce(home_score, 0) + 7 WHERE id = :id AND status = 'final'")
_RENAMED = sa.text("UPDATE teams SET name = :name WHERE id = (SELECT min(id::text)::uuid FROM teams)")
_OFF = sa.text("UPDATE games SET status = 'postponed', home_score = NULL, away_score = NULL WHERE id = :id")
WAREHOUSE = ("dim_dates", "dim_teams", "dim_models", "fact_bets", "fact_odds")


def stored(platform):
    return {name: rows for name, rows in dump(platform.engine).items() if name in WAREHOUSE}


def test_refreshed_night_by_night_it_equals_a_rebuild(published, league):
    grade_sport(published.engine, SPORT, NOW)
    first = refresh(published.engine, NOW)
    assert min(first.dim_dates, first.dim_teams, first.dim_models, first.fact_bets) > 0
    assert refresh(published.engine, NOW).written == 0
    load(published, played(league), b"played")
    grade_sport(published.engine, SPORT, LATER)
    second = refresh(published.engine, LATER)
    assert second.fact_bets > 0
    game = league.games.loc[league.games["status"] == "final", "external_id"].iloc[-1]
    load(published, with_score(played(league), game, 50, 0), b"corrected", LATER + timedelta(days=1))
    grade_sport(published.engine, SPORT, LATER + timedelta(days=1))
    refresh(published.engine, LATER + timedelta(days=1))
    before = stored(published)
    assert published.one("SELECT count(*) FROM fact_bets") == published.one("SELECT count(*) FROM prediction_results")
    refresh(published.engine, LATER + timedelta(days=1), rebuild=True)
    assert differing(before, stored(published)) == []


def test_a_grade_that_is_taken_back_leaves_the_warehouse(published):
    grade_sport(published.engine, SPORT, NOW)
    refresh(published.engine, NOW)
    with published.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE games SET status = 'postponed', home_score = NULL, away_score = NULL")
    grade_sport(published.engine, SPORT, LATER)
    assert refresh(published.engine, LATER).fact_bets > 0
    assert published.one("SELECT count(*) FROM fact_bets") == published.one("SELECT count(*) FROM prediction_results")


def test_a_close_that_changes_no_grade_still_reaches_the_bets(published, league):
    """The best closing price is another after a late quote of one book, the consensus and with it the grade are not."""
    load(published, played(league), b"played")
    grade_sport(published.engine, SPORT, LATER)
    refresh(published.engine, LATER)
    after = LATER + timedelta(days=1)
    with published.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE closing_lines c SET closing_price = c.closing_price + 1 FROM fact_bets b "
            "WHERE b.game_id = c.game_id AND b.bet_type = c.market_type AND b.side = c.selection "
            "AND b.closing_price = c.closing_price AND c.closing_price > 100"
        )
    before = stored(published)
    assert refresh(published.engine, after).fact_bets > 0
    assert differing(before, stored(published)) != []
    assert refresh(published.engine, after).written == 0


def test_promotions_names_and_corrections_at_random_leave_what_a_rebuild_makes(published, league):
    """Whatever happens between two nights, in any order, the dimensions change slowly and the facts follow."""
    drawn, now, engine = np.random.default_rng(5), NOW, published.engine
    load(published, played(league), b"played")
    with engine.begin() as connection:
        connection.execute(_RIVALS)
        models = connection.execute(sa.text("SELECT id, bet_type FROM ml_models ORDER BY bet_type, id")).all()
        games = list(connection.scalars(sa.text("SELECT DISTINCT game_id FROM predictions ORDER BY game_id")))
    for step in range(size(6, 60)):
        now = NOW + timedelta(days=step + 1)
        model = models[drawn.integers(len(models))]
        decided = {"m": model.id, "b": model.bet_type, "at": now.replace(tzinfo=None), "a": str(drawn.choice(ACTS))}
        game = {"id": games[drawn.integers(len(games))]}
        acts = [
            (_DECIDED, decided),
            (_RENAMED, {"name": f"Club {drawn.integers(9)}"}),
            (_CORRECTED, game),
            (_OFF, game),
        ]
        with engine.begin() as connection:
            for number in drawn.choice(len(acts), size=2, replace=False):
                connection.execute(*acts[number])
        grade_sport(engine, SPORT, now)
        refresh(engine, now)
        assert refresh(engine, now).written == 0
    before = stored(published)
    refresh(engine, now, rebuild=True)
    assert differing(before, stored(published)) == []
    spans = published.rows(
        "SELECT valid_to, lead(valid_from) OVER (PARTITION BY model_id ORDER BY valid_from) AS next, is_current "
        "FROM dim_models"
    )
    assert all(span["valid_to"] == span["next"] and span["is_current"] == (span["next"] is None) for span in spans)
    assert len(spans) > len(models)


def test_a_calendar_counts_weeks_as_iso_does():
    days = date_rows(date(2020, 5, 1), date(2021, 2, 1)).set_index("date")
    assert len(days) == 366 + 365
    assert tuple(days.loc[date(2021, 1, 3), ["iso_week", "weekday", "is_weekend", "quarter"]]) == (53, 7, True, 1)


def test_a_team_has_a_row_for_every_name_and_place_it_had():
    facts = {"sport_code": "NFL", "franchise": "LA", "name": "Los Angeles Rams", "abbreviation": "LA"}
    teams = pd.DataFrame([{"team_id": "t", **facts, "conference": "NFC", "division": "NFC West"}])
    years = range(2014, 2019)
    seasons = pd.DataFrame({"year": years, "starts_at": pd.to_datetime([f"{year}-09-01" for year in years], utc=True)})
    rows = team_rows(teams, seasons, franchises("NFL"))
    assert list(rows["name"]) == ["St. Louis Rams", "Los Angeles Rams"]
    assert list(rows["abbreviation"]) == ["STL", "LA"]
    assert rows["valid_from"].dt.year.tolist() == [2014, 2016]
    assert rows["valid_to"].iloc[0] == rows["valid_from"].iloc[1]
    assert rows["is_current"].tolist() == [False, True]
    alone = team_rows(teams, seasons, None)
    assert len(alone) == 1


def test_a_model_has_a_row_for_every_span_in_and_out_of_production():
    at = [pd.Timestamp(f"2026-01-0{day}", tz="UTC") for day in range(1, 7)]
    common = {"sport_code": "NFL", "bet_type": "total", "framework": "sklearn", "version": "1"}
    stored = pd.DataFrame([{"model_id": m, **common, "created_at": at[0]} for m in "ab"])
    decided = [("a", at[0]), ("b", at[2]), ("a", at[4])]
    champions = pd.DataFrame(
        [{"model_id": m, "sport_code": "NFL", "bet_type": "total", "decided_at": t} for m, t in decided]
    )
    rows = model_rows(stored, champions)
    spans = {
        m: [(r.is_production, r.valid_from, r.valid_to) for r in part.itertuples()]
        for m, part in rows.groupby("model_id")
    }
    assert [span[0] for span in spans["a"]] == [True, False, True]  # decided as it was made: no empty span before
    assert [(stands, since) for stands, since, _ in spans["b"]] == [(False, at[0]), (True, at[2]), (False, at[4])]
    assert rows.groupby("model_id")["is_current"].sum().tolist() == [1, 1]
