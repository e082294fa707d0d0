"""Results of college football and the NHL: days, times, scores, overtime and neutral ground."""

import pandas as pd
import pytest

from aipro_ml.enums import Severity
from aipro_ml.errors import DataFileError
from aipro_ml.sources import results_ncaaf, results_nhl
from tests.sources.contract import Reading, check_malformed
from tests.sources.odds_api_files import as_csv, college_row, hockey, hockey_row, other_college_row

COLLEGE = Reading("college", lambda data: results_ncaaf.read(data, name="results.csv"), b"")
HOCKEY = Reading("hockey", lambda data: results_nhl.read(data, name="schedule.csv"), b"")
GOOD_COLLEGE, GOOD_HOCKEY = "2025:2025-10-18:SJSU@HAW:1", "2023:2023-10-10:NSH@TBL:1"

COLLEGE_REJECTED = [
    ({"game_id": ""}, "game_id", "game_id"),
    ({"game_id": "4" * 51}, "game_id", "game_id"),
    *[({"season_year": year}, "date", "date_outside_season") for year in ("", "25", "2024", "2025.5", "NaN", "next")],
    *[({"date": day}, "date", "game_date") for day in ("", "2025-13-01", "2025-02-30", "18/10/2025", "2025-10-18T20:00",
                                                      "20251018", "0001-01-01", "２０25-10-18")],
    *[({"date": day}, "date", "date_outside_season") for day in ("2025-06-01", "2024-10-18", "2026-10-18")],
    *[({"season_type": kind}, "season_type", "season_type") for kind in ("", "bowl", "REG")],
    ({"home_team": "Miami Dolphins"}, "home_team", "unknown_team"),
    ({"home_team": ""}, "home_team", "unknown_team"),
    ({"away_team": "z" * 100_000}, "away_team", "unknown_team"),
    ({"away_team": "\u2028\x1b[0m"}, "away_team", "unknown_team"),
    ({"away_team": "Miami (FL)"}, "away_team", "home_is_away"),
    *[({"home_score": score}, "home_score", "score") for score in ("-3", "ten", "10.5", "NaN", "inf", "200", "1e2")],
    ({"away_score": ""}, "away_score", "score_alone"),
    ({"home_score": ""}, "home_score", "score_alone"),
]  # fmt: skip

COLLEGE_WARNED = [
    ({"week": ""}, "week", "week_number"),
    ({"week": "-1"}, "week", "week_number"),
    ({"week": "8.5"}, "week", "week_number"),
    ({"week": "eight"}, "week", "week_number"),
    ({"neutral_site": ""}, "neutral_site", "neutral_site"),
    ({"neutral_site": "2"}, "neutral_site", "neutral_site"),
    ({"went_ot": "yes"}, "went_ot", "overtime"),
    ({"went_ot": ""}, "went_ot", "overtime"),
]

HOCKEY_REJECTED = [
    *[({"Date": day}, "Date", "game_date") for day in ("", "2023-13-01", "11/17/2023", "2023-11-31", "Nov 17")],
    *[({"Date": day}, "Date", "date_outside_season") for day in ("2023-08-17", "1950-11-17", "2099-11-17")],
    *[({"Time": time}, "Time", "game_time") for time in ("25:00", "14:00", "2 PM", "13:00 PM", "0:30 AM", "2:60 PM",
                                                        "TBD", "2:00 pm ET")],
    ({"Date": "2023-11-05", "Time": "1:30 AM"}, "Time", "game_time"),  # the clocks show it twice
    ({"Date": "2024-03-10", "Time": "2:30 AM"}, "Time", "game_time"),  # the clocks skip it
    ({"Visitor": "Toronto Raptors"}, "Visitor", "unknown_team"),
    ({"Visitor": ""}, "Visitor", "unknown_team"),
    ({"Visitor": "Phoenix Coyotes"}, "Visitor", "unknown_team"),  # in 2023 they play as Arizona
    ({"Home": "Hartford Whalers"}, "Home", "unknown_team"),
    ({"Home": "toronto maple leafs"}, "Visitor", "home_is_away"),
    *[({"VG": goals}, "visitor_goals", "score") for goals in ("-1", "4.5", "four", "61", "NaN")],
    ({"HG": ""}, "home_goals", "score_alone"),
    ({"VG": ""}, "visitor_goals", "score_alone"),
]  # fmt: skip

HOCKEY_WARNED = [
    ({"Time": ""}, "Time", "time_missing"),
    ({"decided": "XX"}, "decided", "overtime"),
    ({"decided": "1"}, "decided", "overtime"),
]


def test_a_result_of_college_football_has_a_day_and_an_estimated_hour():
    game = COLLEGE.read(as_csv([college_row()])).games.iloc[0]
    assert (game["game"], game["home_score"], game["away_score"]) == ("2025:2025-10-18:LOU@MIA:1", 21, 24)
    assert game["kickoff"] == pd.Timestamp("2025-10-18T19:30Z")
    assert game["kickoff_estimated"]
    assert (game["week"], game["season_type"], game["status"], game["external_id"]) == (8, "regular", "final", "401")


def test_a_game_not_yet_played_is_scheduled():
    game = COLLEGE.read(as_csv([college_row(home_score="", away_score="")])).games.iloc[0]
    assert game["status"] == "scheduled"
    assert pd.isna(game["overtime"])


def test_a_bowl_has_no_week_and_no_home_side():
    row = college_row(season_type="postseason", week="1", date="2025-12-27", neutral_site="1", went_ot="1")
    game = COLLEGE.read(as_csv([row])).games.iloc[0]
    assert pd.isna(game["week"])
    assert game["neutral_site"]
    assert game["overtime"]
    assert game["season_type"] == "postseason"


def test_a_whole_season_without_overtime_does_not_tell_and_says_so():
    teams = ["Alabama", "Auburn", "Arkansas", "Georgia", "Florida", "Kentucky", "Tennessee", "Vanderbilt"]
    days = [f"2025-{month:02}-{day:02}" for month in (9, 10, 11) for day in range(1, 29)]
    rows = [
        college_row(game_id=f"{day}{pair}", date=day, home_team=teams[pair], away_team=teams[pair + 1])
        for day in days
        for pair in (0, 2, 4)
    ]
    silent = COLLEGE.read(as_csv(rows))
    assert [(f.rule, f.severity) for f in silent.findings] == [("overtime_never", Severity.WARNING)]
    assert silent.games["overtime"].isna().all()
    rows[7] = rows[7] | {"went_ot": "1"}
    told = COLLEGE.read(as_csv(rows))
    assert told.findings == ()
    assert told.games["overtime"].sum() == 1


def test_a_result_of_the_nhl_has_its_eastern_time_and_how_it_was_decided():
    batch = HOCKEY.read(hockey(hockey_row()))
    game = batch.games.set_index("game").loc["2023:2023-11-17:TOR@DET:1"]
    assert game["kickoff"] == pd.Timestamp("2023-11-17T19:00Z")
    assert not game["kickoff_estimated"]
    assert (game["home_score"], game["away_score"], game["overtime"], game["neutral_site"]) == (3, 4, True, True)
    good = batch.games.set_index("game").loc[GOOD_HOCKEY]
    assert good["kickoff"] == pd.Timestamp("2023-10-10T21:30Z")
    assert (good["home_score"], good["away_score"]) == (5, 3)
    assert (good["overtime"], good["neutral_site"]) == (False, False)


@pytest.mark.parametrize(("note", "neutral"), [
    ("at Ericsson Globe Arena (Stockholm SE)", True), ("(Berlin DE)", True), ("", False),
    ("at MetLife Stadium (East Rutherford NJ)", False), ("at Commonwealth Stadium (Edmonton AB)", False),
])  # fmt: skip
def test_only_a_game_abroad_is_on_neutral_ground(note, neutral):
    games = HOCKEY.read(hockey(hockey_row(Notes=note))).games
    assert games["neutral_site"].iloc[0] == neutral


def test_a_missing_time_is_estimated_and_marked():
    game = HOCKEY.read(hockey(hockey_row(Time=""))).games.iloc[0]
    assert game["kickoff"] == pd.Timestamp("2023-11-18T00:00Z")
    assert game["kickoff_estimated"]


def test_a_day_of_the_play_offs_is_postseason():
    game = HOCKEY.read(hockey(hockey_row(Date="2024-04-20"))).games.iloc[0]
    assert game["season_type"] == "postseason"


@pytest.mark.parametrize(("cells", "column", "rule"), COLLEGE_REJECTED)
def test_a_wrong_cell_rejects_its_college_game(cells, column, rule):
    batch = check_malformed(COLLEGE, as_csv([college_row(**cells), other_college_row()]), games_left=1)
    found = {(f.file, f.line, f.column, f.rule, f.severity) for f in batch.findings}
    assert ("results.csv", 2, column, rule, Severity.CRITICAL) in found
    assert {f.line for f in batch.findings} == {2}
    assert list(batch.games["game"]) == [GOOD_COLLEGE]


@pytest.mark.parametrize(("cells", "column", "rule"), COLLEGE_WARNED)
def test_a_doubtful_cell_of_a_college_game_is_marked_and_lands(cells, column, rule):
    batch = check_malformed(COLLEGE, as_csv([college_row(**cells), other_college_row()]), games_left=2)
    assert [(f.line, f.column, f.rule, f.severity) for f in batch.findings] == [(2, column, rule, Severity.WARNING)]


def test_a_college_game_told_twice_lands_once():
    same_id = check_malformed(COLLEGE, as_csv([college_row(), college_row(home_team="Duke")]), games_left=1)
    assert [(f.line, f.rule) for f in same_id.findings] == [(3, "duplicate_game")]
    same_day = check_malformed(COLLEGE, as_csv([college_row(), college_row(game_id="9")]), games_left=1)
    assert [(f.line, f.rule) for f in same_day.findings] == [(3, "duplicate_game")]


@pytest.mark.parametrize("column", results_ncaaf.FIELDS)
def test_a_missing_column_of_college_results_is_named(column):
    header, rest = as_csv([college_row()]).split(b"\n", 1)
    renamed = header.replace(column.encode(), b"else", 1)
    with pytest.raises(DataFileError, match=f"lacks the columns.*{column}"):
        COLLEGE.read(renamed + b"\n" + rest)


@pytest.mark.parametrize(("cells", "column", "rule"), HOCKEY_REJECTED)
def test_a_wrong_cell_rejects_its_nhl_game(cells, column, rule):
    batch = check_malformed(HOCKEY, hockey(hockey_row(**cells)), games_left=1)
    found = {(f.file, f.line, f.column, f.rule, f.severity) for f in batch.findings}
    assert ("schedule.csv", 2, column, rule, Severity.CRITICAL) in found
    assert list(batch.games["game"]) == [GOOD_HOCKEY]


@pytest.mark.parametrize(("cells", "column", "rule"), HOCKEY_WARNED)
def test_a_doubtful_cell_of_an_nhl_game_is_marked_and_lands(cells, column, rule):
    batch = check_malformed(HOCKEY, hockey(hockey_row(**cells)), games_left=2)
    assert [(f.line, f.column, f.rule, f.severity) for f in batch.findings] == [(2, column, rule, Severity.WARNING)]


@pytest.mark.parametrize("row", ["a,b", ",,,,,,,,,,,,"])
def test_a_row_of_the_wrong_width_is_a_finding(row):
    batch = check_malformed(HOCKEY, hockey(row + "1"), games_left=1)
    assert [(f.line, f.rule) for f in batch.findings] == [(2, "row_width")]


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"Date,Time,Visitor\n", b"Rk,Date\n1,2\n", b"\x1f\x8b\x08", b"\xff\xfeD\x00"]
)
def test_what_is_no_schedule_is_one_clear_error(data):
    with pytest.raises(DataFileError, match=r"schedule\.csv"):
        HOCKEY.read(data)


def test_a_schedule_with_windows_line_ends_and_a_byte_order_mark_is_read():
    data = b"\xef\xbb\xbf" + hockey(hockey_row()).replace(b"\n", b"\r\n")
    assert HOCKEY.read(data).games.equals(HOCKEY.read(hockey(hockey_row())).games)


def test_a_cell_of_a_million_characters_is_an_error_with_its_line():
    with pytest.raises(DataFileError, match="line 2"):
        HOCKEY.read(hockey(hockey_row(Notes="x" * 1_000_000)))
