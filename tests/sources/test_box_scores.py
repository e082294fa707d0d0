"""Box scores of teams and players."""

import pytest

from aipro_ml.errors import DataFileError
from aipro_ml.sources import box_scores, box_scores_nba
from tests.sources import archive_files as files

NFL = {
    "season": "2022", "week": "1", "team": "BUF", "season_type": "REG", "opponent_team": "LA", "passing_yards": "297",
    "passing_epa": "1.60933969286270000", "fg_made_list": "54;50", "fg_pct": "",
}  # fmt: skip
FIGURES = dict.fromkeys(box_scores_nba.TEAM_FIGURES, "1")
HOME = {
    "SEASON_ID": "22010", "TEAM_ABBREVIATION": "NJN", "GAME_ID": "21000001", "GAME_DATE": "2010-10-27",
    "MATCHUP": "NJN vs. NOH", "MIN": "265", "PTS": "101", **FIGURES,
}  # fmt: skip
AWAY = HOME | {"TEAM_ABBREVIATION": "NOH", "MATCHUP": "NOH @ NJN", "PTS": "98", "FG_PCT": "0.464"}
GAMES = b"game_id,date,season,home_team,away_team,home_score,away_score\n0022300061,2023-10-24,2023,DEN,LAL,119,107\n"
PLAYER = {
    "game_id": "0022300061", "team_abbreviation": "DEN", "player_id": "203999", "player_name": "Nikola Jokić",
    "MIN": "36.2550000000000000", **dict.fromkeys(box_scores_nba.PLAYER_FIGURES, "2"),
}  # fmt: skip


def nfl(*rows):
    return box_scores.read_nfl_team_weeks(files.as_csv(list(rows)), name="weeks.csv", schedule=files.schedule())


def team_box(*rows):
    return box_scores_nba.read_team_box(files.as_csv(list(rows)), name="box.csv")


def players(*rows):
    games = box_scores_nba.read_games(GAMES, name="games.csv").games
    return box_scores_nba.read_player_box(files.as_csv(list(rows)), name="players.csv", games=games)


def test_a_team_week_gets_site_and_score_from_the_schedule():
    batch = nfl(NFL, NFL | {"team": "LA", "opponent_team": "BUF"})
    rows = batch.team_games.to_dict("records")
    facts = [(row["team"], row["opponent"], row["is_home"], row["points_for"], row["points_against"]) for row in rows]
    assert facts == [("BUF", "LA", False, 31, 10), ("LA", "BUF", True, 10, 31)]
    assert rows[0]["stats"] == {"passing_yards": 297.0, "passing_epa": 1.609339}
    assert batch.findings == ()


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"team": "XXX"}, "unknown_team"), ({"opponent_team": ""}, "unknown_team"), ({"week": "2"}, "no_such_game"),
        ({"season": "x"}, "season_number"), ({"week": "1.5"}, "week_number"),
        ({"opponent_team": "CAR"}, "no_such_game"), ({}, "duplicate_row"),
    ],
)  # fmt: skip
def test_a_bad_team_week_is_rejected_and_the_other_lands(cells, rule):
    batch = nfl(NFL, NFL | cells)
    assert [(finding.rule, finding.line) for finding in batch.findings] == [(rule, 3)]
    assert len(batch.team_games) == 1


@pytest.mark.parametrize("value", ["x", "NaN", "inf", "1e5", "--", "1,5"])
def test_a_figure_that_is_no_number_is_left_out(value):
    batch = nfl(NFL | {"passing_yards": value})
    assert [(finding.rule, finding.column) for finding in batch.findings] == [("figure", "passing_yards")]
    assert set(batch.team_games["stats"].iloc[0]) == {"passing_epa"}


def test_team_boxes_tell_the_game_from_both_sides():
    batch = team_box(AWAY, HOME)
    assert batch.games["game"].tolist() == ["2010:2010-10-27:NOP@BKN:1"]
    assert bool(batch.games["overtime"].iloc[0])
    rows = batch.team_games.to_dict("records")
    assert [(row["team"], row["is_home"], row["points_for"], row["line_number"]) for row in rows] == [
        ("NOP", False, 98, 2),
        ("BKN", True, 101, 3),
    ]
    assert rows[0]["stats"]["FG_PCT"] == 0.464
    assert batch.findings == ()


@pytest.mark.parametrize(
    ("cells", "rule", "line"),
    [
        ({"PTS": "x"}, "score", 3), ({"PTS": "-5"}, "score", 3), ({"GAME_DATE": "27/10/2010"}, "game_date", 3),
        ({"TEAM_ABBREVIATION": "XXX", "MATCHUP": "XXX vs. NOH"}, "unknown_team", 3),
        ({"MATCHUP": "NJN @ NOH"}, "unpaired_row", 2),
        ({"MATCHUP": ""}, "unpaired_row", 2), ({"GAME_ID": "5"}, "unpaired_row", 2),
        ({"SEASON_ID": "2010"}, "date_outside_season", 3),
        ({"TEAM_ABBREVIATION": "NOH", "MATCHUP": "NOH vs. NOH"}, "home_is_away", 2),
        ({"TEAM_ABBREVIATION": "BOS"}, "team_differs", 3),
    ],
)  # fmt: skip
def test_a_bad_team_box_is_a_finding_at_its_row(cells, rule, line):
    batch = team_box(AWAY, HOME | cells)
    assert (batch.findings[0].rule, batch.findings[0].line) == (rule, line)
    assert batch.team_games.empty
    assert batch.games.empty


def test_a_player_box_lands_in_its_game():
    [row] = players(PLAYER).player_games.to_dict("records")
    assert (row["player"], row["player_name"], row["team"]) == ("203999", "Nikola Jokić", "DEN")
    assert (row["game"], row["minutes"]) == ("2023:2023-10-24:LAL@DEN:1", 36.255)
    assert row["stats"] == dict.fromkeys(box_scores_nba.PLAYER_FIGURES, 2.0)


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"game_id": "9"}, "no_such_game"), ({"team_abbreviation": "BOS"}, "team"), ({"player_id": "x"}, "player"),
        ({"team_abbreviation": ""}, "team"), ({"player_name": ""}, "player_name"), ({}, "duplicate_row"),
        ({"player_name": "x" * 101}, "player_name"), ({"player_id": "-1"}, "player"),
    ],
)  # fmt: skip
def test_a_bad_player_box_is_rejected_and_the_other_lands(cells, rule):
    batch = players(PLAYER, PLAYER | cells)
    assert [(finding.rule, finding.line) for finding in batch.findings] == [(rule, 3)]
    assert len(batch.player_games) == 1


def test_impossible_minutes_are_left_out():
    batch = players(PLAYER | {"MIN": "900"})
    assert [finding.rule for finding in batch.findings] == ["minutes"]
    assert batch.player_games["minutes"].isna().all()


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"\x1f\x8b", b"\x00"])
def test_what_is_no_box_score_is_one_clear_error(data):
    for read in (nfl_bytes, box_scores_nba.read_team_box, player_bytes, box_scores_nba.read_games):
        with pytest.raises(DataFileError, match=r"^some\.csv"):
            read(data, name="some.csv")


def nfl_bytes(data, name):
    return box_scores.read_nfl_team_weeks(data, name=name, schedule=files.schedule())


def player_bytes(data, name):
    games = box_scores_nba.read_games(GAMES, name="games.csv").games
    return box_scores_nba.read_player_box(data, name=name, games=games)
