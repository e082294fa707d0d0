"""One season of real box scores through the real import, twice: what lands, and that the second run writes nothing."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from aipro_ml.jobs.importing import Request, import_nflverse, import_source
from aipro_ml.jobs.ingest import ImportOptions
from aipro_ml.jobs.ingest_boxes import import_boxes
from tests.fixtures_platform import Platform

pytestmark = pytest.mark.real_data
NOW, LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def platform(database_settings):
    opened = Platform(database_settings)
    yield opened
    opened.close()


@pytest.fixture
def twice(platform):
    def run(name, *places):
        places = [str(place) for place in places]
        reports = [import_boxes(platform.settings, name, places, ImportOptions(now)) for now in (NOW, LATER)]
        assert reports[1].rows_written == 0
        return reports[0]

    return run


def test_an_nfl_season_of_team_and_player_weeks_lands_once(platform, twice, shared_data, nflverse_file, tmp_path):
    games = pd.read_csv(nflverse_file, dtype="string")
    games.loc[games["season"] == "2021"].to_csv(tmp_path / "games.csv", index=False)
    import_nflverse(platform.settings, str(tmp_path / "games.csv"), ImportOptions(NOW))
    teams = twice("nfl-team-weeks", shared_data / "nfl" / "team_week_stats" / "stats_team_week_2021.csv.gz")
    assert (teams.team_games, teams.rejected) == (570, 0)
    seasons = twice("nfl-player-seasons", shared_data / "nfl" / "player_season_stats" / "stats_player_reg_2021.csv.gz")
    assert seasons.players > 2000
    early = platform.one(
        "SELECT count(*) FROM fact_team_games f JOIN games g ON g.id = f.game_id WHERE f.known_at <= g.game_date"
    )
    assert early == 0


def test_an_nba_season_of_player_boxes_lands_once(platform, twice, shared_data):
    games = Request("games-nba", (str(shared_data / "nba" / "games_2023_24.csv.gz"),))
    import_source(platform.settings, games, ImportOptions(NOW))
    report = twice("nba-player-boxes", shared_data / "nba" / "player_box_2023_24.csv.gz")
    assert (report.player_games, report.rejected) == (26401, 0)
