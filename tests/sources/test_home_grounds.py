"""Home grounds: a game without a venue is at the home team's of that season, a neutral one nowhere."""

import pandas as pd
import pytest

from aipro_ml.sources import results_nhl
from aipro_ml.sources.franchises import franchises, venues
from aipro_ml.sources.home_grounds import at_home
from tests.sources import odds_api_files as files

WITH_GROUNDS = ("NBA", "NHL", "MLB", "WNBA", "EPL", "LALIGA", "BUNDES")


def test_a_game_without_a_venue_is_at_home_and_one_abroad_is_not() -> None:
    batch = at_home(results_nhl.read(files.hockey(files.hockey_row()), name="schedule.csv"))
    at = dict(zip(batch.games["home"], batch.games["venue"], strict=True))
    assert at["TBL"] == "NHL-TBL"
    assert pd.isna(at["DET"])
    assert set(batch.venues["venue"]) == {"NHL-TBL"}


@pytest.mark.parametrize("sport", WITH_GROUNDS)
def test_every_team_has_one_ground_in_each_recent_season(sport: str) -> None:
    known = venues(sport)
    for team in franchises(sport).teams:
        for season in range(2018, 2026):
            homes = [
                code
                for code, venue in known.venues.items()
                for home in venue.home_of
                if home.team == team and home.first <= season <= home.last
            ]
            assert len(homes) <= 1, (team, season, homes)
            assert homes, (team, season)


def test_a_franchise_that_moved_has_the_ground_of_its_time() -> None:
    assert venues("NBA").home("OKC", 2007) == "NBA-SEA"
    assert venues("NBA").home("OKC", 2008) == "NBA-OKC"
    assert venues("MLB").home("WSH", 2004) == "MLB-MTL"
    assert venues("MLB").home("ATH", 2025) == "MLB-ATH"


@pytest.mark.parametrize(
    ("name", "season", "team"),
    [
        ("Montreal Expos", 2004, "WSH"), ("Florida Marlins", 2011, "MIA"), ("Tampa Bay Devil Rays", 2007, "TB"),
        ("Cleveland Indians", 2021, "CLE"), ("Anaheim Angels", 2004, "LAA"), ("Oakland Athletics", 2024, "ATH"),
    ],
)  # fmt: skip
def test_mlbs_earlier_names_are_todays_franchises(name: str, season: int, team: str) -> None:
    assert franchises("MLB").find(name, season) == team
