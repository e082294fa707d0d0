"""The reviewed files of franchises and stadiums."""

from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from aipro_ml.errors import UsageError
from aipro_ml.sources.base import TEAM_COLUMNS, VENUE_COLUMNS
from aipro_ml.sources.franchises import Franchises, franchises, venues


@pytest.mark.parametrize("sport", ["NFL", "SIM-NFL"])
def test_a_league_has_eight_divisions_of_four_in_two_conferences(sport):
    teams = franchises(sport).frame()
    assert list(teams.columns) == list(TEAM_COLUMNS)
    assert len(teams) == 32
    assert teams["team"].is_unique
    assert teams["name"].is_unique
    assert set(teams.groupby("division").size()) == {4}
    assert set(teams.groupby("conference").size()) == {16}


@pytest.mark.parametrize(("sport", "count"), [("NFL", 60), ("SIM-NFL", 32)])
def test_every_stadium_has_a_real_time_zone_and_place(sport, count):
    stadiums = venues(sport).frame()
    assert list(stadiums.columns) == list(VENUE_COLUMNS)
    assert len(stadiums) == count
    assert all(ZoneInfo(zone) for zone in stadiums["timezone"])
    assert stadiums["latitude"].between(15, 65).all()
    assert stadiums["longitude"].between(-160, 15).all()
    assert not stadiums.isna().any().any()


def test_coordinates_and_time_zones_agree_roughly_on_the_suns_noon():
    stadiums = venues("NFL").frame()
    winter = pd.Timestamp("2022-01-15T12:00")
    for row in stadiums.itertuples():
        offset = winter.tz_localize(row.timezone).utcoffset().total_seconds() / 3600
        assert abs(row.longitude / 15 - offset) < 1.3, row.venue


def test_a_simulated_team_shares_no_name_with_a_real_one():
    real, invented = franchises("NFL").frame(), franchises("SIM-NFL").frame()
    assert not set(real["name"]) & set(invented["name"])
    assert {f"SIM-{team}" for team in invented["team"]} == set(venues("SIM-NFL").frame()["venue"])


@pytest.mark.parametrize(
    ("code", "season", "franchise"),
    [
        ("OAK", 2019, "LV"), ("OAK", 2020, None), ("LV", 2020, "LV"), ("LV", 2005, "LV"),
        ("SD", 2016, "LAC"), ("SD", 2017, None), ("STL", 2015, "LA"), ("STL", 2016, None),
        ("NO", 2022, "NO"), ("XX", 2022, None), ("", 2022, None),
    ],
)  # fmt: skip
def test_a_code_names_a_franchise_in_its_seasons(code, season, franchise):
    assert franchises("NFL").resolve(code, season) == franchise


def test_resolving_a_column_agrees_with_resolving_each_cell():
    codes = pd.Series(["OAK", "OAK", None, "LV", "x"], dtype="string", index=[3, 5, 7, 9, 11])
    seasons = pd.Series([2019, 2020, 2020, pd.NA, 2020], dtype="Int64", index=codes.index)
    found = franchises("NFL").resolve_all(codes, seasons)
    assert list(found.fillna("-")) == ["LV", "-", "-", "LV", "-"]
    assert list(found.index) == [3, 5, 7, 9, 11]


@pytest.mark.parametrize(
    ("code", "near"), [("OAK", "LV"), ("lv", "LV"), ("Kansas City", "KC"), ("Green Bay", "GB"), ("SEAH", "SEA")]
)
def test_an_unknown_code_is_told_the_likeliest_ones(code, near):
    assert franchises("NFL").nearest(code)[0] == near


def test_nonsense_has_no_likely_code():
    assert franchises("NFL").nearest("???") == ()


def test_an_unknown_sport_is_a_usage_error():
    with pytest.raises(UsageError, match="quidditch"):
        franchises("quidditch")


@pytest.mark.real_data
def test_every_stadium_of_the_real_file_is_known(nflverse_file):
    frame = pd.read_csv(nflverse_file)
    stadiums = venues("NFL").frame()
    assert set(frame["stadium_id"]) == set(stadiums["venue"])
    # A roof that was ever open is no fixed one; the file calls Toronto's retractable roof a dome
    roofs = frame.groupby("stadium_id")["roof"].agg(lambda roof: set(roof.dropna()) == {"dome"})
    domes = stadiums.set_index("venue")["is_dome"]
    assert set(roofs.index[roofs]) - {"BUF01"} == set(domes.index[domes])


@pytest.mark.parametrize(
    ("name", "season", "franchise"),
    [
        ("oakland raiders", 2010, "LV"), ("Oakland Raiders", 2021, None), ("St Louis Rams", 2010, "LA"),
        ("GREEN BAY  PACKERS", 2022, "GB"), ("Gréen Bay-Packers", 2022, "GB"), ("gb", 2022, "GB"),
        ("Packers of Green Bay", 2022, None), ("", 2022, None), ("!?", 2022, None),
    ],
)  # fmt: skip
def test_a_name_is_found_whatever_its_case_accents_and_punctuation(name, season, franchise):
    assert franchises("NFL").find(name, season) == franchise


def test_a_name_two_franchises_share_names_neither():
    shared = {"city": "x", "conference": "c", "division": "d", "spellings": ["City"]}
    teams = Franchises.model_validate({"teams": {"A": {"name": "A City", **shared}, "B": {"name": "B City", **shared}}})
    assert teams.find("city", 2020) is None
    assert teams.find("A. City", 2020) == "A"


def test_a_name_borne_in_those_seasons_goes_before_a_name_of_today():
    hornets = {"name": "Hornets", "city": "x", "conference": "c", "division": "d"}
    moved = {"name": "Pelicans", "city": "y", "conference": "c", "division": "d"}
    moved["aliases"] = [{"code": "NOH", "name": "Hornets", "first": 2002, "last": 2012}]
    teams = Franchises.model_validate({"teams": {"CHA": hornets, "NOP": moved}})
    assert [teams.find("hornets", season) for season in (2010, 2020)] == ["NOP", "CHA"]
