"""What teams and venues are today says nothing of their past: divisions, roofs and surfaces come with dates."""

import pandas as pd
import pytest

from aipro_ml.features.history import History
from aipro_ml.features.records import ALIGNMENT_COLUMNS, GROUND_COLUMNS, frame_of
from aipro_ml.features.sport import sport
from aipro_ml.features.views import context
from aipro_ml.jobs.facts import dated_facts
from aipro_ml.sources.franchises import franchises, venues
from tests.features.point_in_time import decision_times
from tests.features.random_league import random_league


def history_of(code):
    """A History whose teams and venues are those of the reviewed files, under their codes."""
    alignments = franchises(code).alignments().rename(columns={"team": "team_id"})
    grounds = venues(code).grounds().rename(columns={"venue": "venue_id", "since": "known_at"})
    known = {
        "alignments": frame_of(alignments, ALIGNMENT_COLUMNS),
        "grounds": frame_of(grounds, GROUND_COLUMNS),
    }
    league = random_league(1)
    return History(type(league)(**{**vars(league), **known}))


def rivals(code, season, home, away):
    """(same_conference, same_division) of a game."""
    entities = pd.DataFrame({"season": [season], "home_team_id": [home], "away_team_id": [away]}, index=["g"])
    sides = [history_of(code).alignment(entities, side).iloc[0] for side in ("home", "away")]
    return tuple(
        None if sides[0].isna().any() or sides[1].isna().any() else sides[0][name] == sides[1][name]
        for name in ("conference", "division")
    )


@pytest.mark.parametrize(
    ("code", "season", "home", "away", "told"),
    [
        ("NFL", 2001, "SEA", "DEN", (True, True)),  # until the realignment of 2002 Seattle played in the AFC West
        ("NFL", 2002, "SEA", "DEN", (False, False)),
        ("NFL", 2002, "SEA", "ARI", (True, True)),
        ("NFL", 2001, "TB", "GB", (True, True)),
        ("NFL", 2002, "TB", "GB", (True, False)),
        ("NFL", 1998, "TB", "GB", (None, None)),  # before what is dated
        ("MLB", 2012, "HOU", "CHC", (True, True)),
        ("MLB", 2013, "HOU", "CHC", (False, False)),
        ("NBA", 2003, "BOS", "NYK", (None, None)),
    ],
)
def test_two_teams_share_a_division_in_the_seasons_they_shared_it(code, season, home, away, told):
    assert rivals(code, season, home, away) == told


@pytest.mark.parametrize("season", range(1999, 2030))
def test_the_divisions_of_the_nfl_have_their_sizes_in_every_season(season):
    spans = franchises("NFL").alignments()
    then = spans.loc[spans["first"].le(season) & spans["last"].ge(season)]
    assert not then["team"].duplicated().any()
    sizes = then.groupby("division").size()
    assert len(sizes) == (7 if season < 2002 else 8)  # Houston's own, before it played, is the seventh
    assert sizes.max() == (6 if season < 2002 else 4)


@pytest.mark.parametrize(
    ("venue", "as_of", "turf"),
    [
        ("BOS00", "2006-11-12 17:00", 0.0),
        ("BOS00", "2006-11-26 21:00", 1.0),  # relaid in the middle of the season
        ("HOU00", "2015-09-13 17:00", 0.0),
        ("HOU00", "2015-09-27 17:00", 1.0),
        ("BAL00", "2010-10-10 17:00", 1.0),
        ("BAL00", "2016-10-10 17:00", 0.0),
        ("BAL00", "1998-10-10 17:00", None),
    ],
)
def test_a_ground_is_what_it_was_at_the_decision(venue, as_of, turf):
    entities = pd.DataFrame({"venue_id": [venue], "as_of": pd.to_datetime([as_of], utc=True)}, index=["g"])
    found = context._ground(entities, history_of("NFL"))["artificial_turf"].iloc[0]
    assert (None if pd.isna(found) else found) == turf


def test_what_is_not_dated_is_missing():
    league = random_league(1)
    undated = History(
        type(league)(**{**vars(league), "alignments": league.alignments.iloc[:0], "grounds": league.grounds.iloc[:0]})
    )
    times = decision_times(league)
    entities = undated.schedule(list(times.index[:5]), times)
    values = context.compute(entities, undated, sport("NFL").config)
    assert values[["same_division", "same_conference", "dome", "artificial_turf"]].isna().all().all()


def test_college_teams_are_dated_from_the_season_their_file_is_of_and_soccer_grounds_not_at_all():
    assert set(dated_facts("NCAAB")["alignments"]["first"]) == {2025}
    assert dated_facts("NCAAF")["alignments"].empty
    assert dated_facts("EPL")["grounds"].empty


@pytest.mark.real_data
def test_dated_surfaces_are_those_nflverse_writes_on_its_games(nflverse_file):
    """Grass or turf of 6,421 games; nflverse calls two stadiums of one season otherwise than everybody else."""
    games = pd.read_csv(nflverse_file)
    said = games["surface"].str.strip().isin(["grass", "dessograss"])
    kickoff = pd.to_datetime(games["gameday"] + " 17:00").dt.tz_localize("UTC")
    entities = pd.DataFrame({"venue_id": games["stadium_id"], "as_of": kickoff.astype("datetime64[us, UTC]")})
    turf = context._ground(entities, history_of("NFL"))["artificial_turf"]
    assert turf.notna().all()
    told = games["surface"].notna()
    assert (turf.eq(0.0) == said)[told].mean() > 0.985
