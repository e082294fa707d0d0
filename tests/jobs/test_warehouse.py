"""The warehouse: refreshed night by night it is what a rebuild makes of it."""

from datetime import date, timedelta

import pandas as pd

from aipro_ml.jobs.dimensions import date_rows, model_rows, team_rows
from aipro_ml.jobs.grade import grade_sport
from aipro_ml.jobs.warehouse import refresh
from aipro_ml.sources.franchises import franchises
from tests.fixtures_nightly import differing, dump
from tests.fixtures_platform import LATER, NOW, SPORT, load, played, with_score

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
