"""The teams and figures of college football and the NHL."""

import pytest

from aipro_ml.config import sport_config
from aipro_ml.sources.franchises import franchises


def test_the_fbs_has_136_teams_under_codes_a_column_can_hold():
    teams = franchises("NCAAF").frame()
    assert teams["team"].str.fullmatch(r"[A-Z]{1,10}").all()
    assert teams["name"].is_unique
    sizes = teams[teams["division"] == "FBS"].groupby("conference").size().to_dict()
    assert sizes == {
        "ACC": 17, "American": 14, "Big 12": 16, "Big Ten": 18, "Conference USA": 12, "Independent": 2,
        "Mid-American": 13, "Mountain West": 12, "Pac-12": 2, "SEC": 16, "Sun Belt": 14,
    }  # fmt: skip
    assert (teams["division"] == "FCS").sum() == 15


def test_no_spelling_of_a_college_names_two_teams():
    for league in (franchises("NCAAF"), franchises("NHL")):
        for code, team in league.teams.items():
            for name in (code, team.name, *team.spellings):
                assert league.find(name, 2025) == code, name


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Louisville Cardinals", "LOU"), ("Louisville", "LOU"), ("Hawai'i", "HAW"), ("Hawaii Rainbow Warriors", "HAW"),
        ("App State", "APP"), ("Appalachian State Mountaineers", "APP"), ("San José State", "SJSU"),
        ("Miami", "MIA"), ("Miami (OH)", "MOH"), ("Miami (OH) RedHawks", "MOH"), ("Massachusetts", "MASS"),
        ("UMass Minutemen", "MASS"), ("Southern Miss", "USM"), ("Sam Houston", "SHSU"), ("USC", "USC"),
        ("Louisiana Ragin' Cajuns", "UL"), ("UL Monroe", "ULM"), ("Texas A&M", "TAMU"),
        ("East Texas A&M Lions", "ETAM"), ("Miami Dolphins", None), ("State", None),
    ],
)  # fmt: skip
def test_a_college_is_found_by_its_name_with_and_without_nickname(name, code):
    assert franchises("NCAAF").find(name, 2025) == code


@pytest.mark.parametrize(
    ("name", "season", "code"),
    [
        ("Montréal Canadiens", 2023, "MTL"), ("Montreal Canadiens", 2023, "MTL"), ("St Louis Blues", 2023, "STL"),
        ("St. Louis Blues", 2023, "STL"), ("Arizona Coyotes", 2023, "UTA"), ("Arizona Coyotes", 2024, None),
        ("Phoenix Coyotes", 2010, "UTA"), ("Utah Hockey Club", 2024, "UTA"), ("Atlanta Thrashers", 2005, "WPG"),
    ],
)  # fmt: skip
def test_an_nhl_team_is_found_in_its_seasons(name, season, code):
    assert franchises("NHL").find(name, season) == code


def test_the_nhl_has_two_conferences_of_two_divisions_of_eight():
    teams = franchises("NHL").frame()
    assert teams.groupby(["conference", "division"]).size().tolist() == [8, 8, 8, 8]


def test_elo_and_margins_are_those_of_the_methods():
    college, hockey = sport_config("NCAAF"), sport_config("NHL")
    assert (college.elo.k, college.elo.home_advantage, college.elo.carry, college.elo.margin_cap) == (30, 62, 0.65, 28)
    assert (hockey.elo.k, hockey.elo.home_advantage, hockey.elo.carry) == (6, 50, 0.7)
    assert (college.elo.margin_multiplier, hockey.elo.margin_multiplier) == ("nfl", "nhl")
    assert (college.margins.margin_sd, hockey.margins.total_sd) == (16, 2.3)
    assert hockey.pythagorean_exponent == 2.15
