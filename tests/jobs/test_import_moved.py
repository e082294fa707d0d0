"""Games that were moved: the first day stays as postponed once its results are there, in either order of imports."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from aipro_ml.jobs.importing import Request, import_source
from aipro_ml.jobs.ingest import ImportOptions
from aipro_ml.jobs.ingest_moved import moved_games
from tests.fixtures_platform import Platform
from tests.sources import odds_api_files as files

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EASTERN = ZoneInfo("America/New_York")
AT_BUFFALO = (
    "SELECT g.game_date::text AS day, g.status FROM games g JOIN teams t ON t.id = g.home_team_id "
    "WHERE t.abbreviation = 'BUF' ORDER BY 1"
)
CLOSED = (
    "SELECT count(*) FROM closing_lines c JOIN games g ON g.id = c.game_id "
    "WHERE g.status = 'postponed' AND c.closing_price IS NOT NULL"
)


@pytest.fixture
def platform(database_settings):
    opened = Platform(database_settings)
    yield opened
    opened.close()


def result(day, visitor="Chicago Blackhawks", home="Buffalo Sabres"):
    return files.hockey_row(Date=day, Time="7:00 PM", Visitor=visitor, Home=home, decided="", Notes="")


def noon(day, name, kickoff, home="Buffalo Sabres", away="Chicago Blackhawks"):
    row = files.day_row(date=day, game_id=name * 32, commence_time=kickoff, home_team=home, away_team=away)
    return {f"odds_{day}.csv": files.as_csv([row])}


@pytest.fixture
def bring(platform, tmp_path):
    def run(source, content):
        place = tmp_path / source
        place.mkdir(exist_ok=True)
        for name, data in content.items():
            (place / name).write_bytes(data)
        request = Request(source, (str(place),), "NHL" if source == "odds-api-days" else None)
        (report,) = import_source(platform.settings, request, ImportOptions(NOW))
        return report

    return run


RESULTS = {"results.csv": files.hockey(result("2024-01-17", "Ottawa Senators", "Boston Bruins"), result("2024-01-18"))}
FEED = noon("2024-01-17", "a", "2024-01-18T00:40:00Z") | noon("2024-01-18", "b", "2024-01-19T00:10:00Z")
"""The storm of 17 January: the feed gave the game of the day after a new id."""


@pytest.mark.parametrize("results_first", [True, False])
def test_the_first_day_of_a_moved_game_lands_as_postponed_whichever_file_came_first(platform, bring, results_first):
    runs = [lambda: bring("results-nhl", RESULTS), lambda: bring("odds-api-days", FEED)]
    *_, last = [run() for run in (runs if results_first else runs[::-1])]
    (told,) = [finding for finding in last.findings if finding.rule == "not_played"]
    assert told.value == "CHI@BUF 2024-01-18 00:40Z"
    assert "2024-01-19" in told.message
    mine = platform.rows(AT_BUFFALO)
    assert [(row["day"][:10], row["status"]) for row in mine] == [("2024-01-18", "postponed"), ("2024-01-19", "final")]
    assert platform.one(CLOSED) == 0
    before = platform.snapshot()
    assert [run().rows_written for run in runs] == [0, 0]
    assert platform.snapshot() == before


def current(*games):
    columns = ["game_id", "home", "away", "status", "game_date"]
    frame = pd.DataFrame(list(games), columns=columns).assign(season=2023)
    return frame.assign(game_date=pd.to_datetime(frame["game_date"], utc=True))


def moved(*games, now="2024-02-01"):
    found = moved_games(current(*games), pd.Timestamp(now, tz="UTC"), EASTERN)
    return dict(zip(found["game_id"], found["played"], strict=True))


LATE = ("late", "BUF", "CHI", "scheduled", "2024-01-18 00:40")
OTHER = ("other", "BOS", "OTT", "final", "2024-01-18 00:00")
PLAYED = ("played", "BUF", "CHI", "final", "2024-01-19 00:10")


def test_a_game_is_moved_where_its_day_has_results_and_another_day_its_teams():
    assert moved(LATE, OTHER, PLAYED) == {"late": "played"}


@pytest.mark.parametrize(
    "games",
    [
        (LATE, PLAYED),  # nobody knows the results of that day
        (LATE, OTHER),  # the teams were not seen on another day: only the result may be missing
        (LATE, OTHER, ("played", "CHI", "BUF", "final", "2024-01-19 00:10")),  # the return game
        (LATE, OTHER, ("played", "BUF", "CHI", "final", "2024-04-19 00:10")),  # too long after
        (("late", "BUF", "CHI", "final", "2024-01-18 00:40"), OTHER, PLAYED),
    ],
)
def test_a_game_without_a_result_is_not_moved_where_anything_speaks_against_it(games):
    assert moved(*games) == {}


def test_a_game_of_last_night_may_still_get_its_result():
    assert moved(LATE, OTHER, PLAYED, now="2024-01-19 12:00") == {}
