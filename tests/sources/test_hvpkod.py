"""Player weeks and seasons of Fantasy.NFL.com: the layout, bad cells, and players under a later team."""

import pandas as pd
import pytest

from aipro_ml.errors import DataFileError
from aipro_ml.sources import hvpkod
from tests.sources import archive_files as files

PASSER = {
    "PlayerName": "Josh Allen", "PlayerId": "2560955", "Pos": "QB", "Team": "BUF", "PlayerOpponent": "@LA",
    "PassingYDS": "297", "RushingYDS": "56", "TouchCarries": "10", "Rank": "1", "TotalPoints": "33.48",
}  # fmt: skip
IDLE = {**dict.fromkeys(PASSER, ""), "PlayerName": "Case Keenum", "PlayerId": "2532888", "Pos": "QB", "Team": "BUF"}
IDLE |= {"PlayerOpponent": "@LA", "TotalPoints": "0.00"}
SEASON = {name: value for name, value in PASSER.items() if name != "PlayerOpponent"}
WEEK, TOTAL = "data/2022/1/QB.csv", "data/2022/QB_season.csv"


def read(*rows, path=WEEK, **more):
    named = {path: files.as_csv(list(rows)), **more}
    return hvpkod.read(named, name="players.tar.gz", schedule=files.schedule())


def test_a_player_week_lands_in_his_teams_game_with_what_he_did():
    [row] = read(PASSER, IDLE).player_games.to_dict("records")
    assert (row["player"], row["player_name"], row["position"], row["team"]) == ("2560955", "Josh Allen", "QB", "BUF")
    assert row["game"] == files.schedule()["game"].iloc[0]
    assert row["stats"] == {"PassingYDS": 297.0, "RushingYDS": 56.0, "TouchCarries": 10.0}
    assert (row["file"], row["line_number"]) == (WEEK, 2)


def test_a_row_without_figures_is_a_player_who_did_not_play():
    batch = read(PASSER, IDLE)
    assert (batch.without_figures, batch.rows_read, batch.findings) == (1, 2, ())


def test_a_season_file_lands_without_its_team_which_is_that_of_the_scrape():
    batch = read(SEASON, path=TOTAL)
    [row] = batch.player_seasons.to_dict("records")
    assert (row["season"], row["player"]) == (2022, "2560955")
    assert pd.isna(row["team"])
    assert row["stats"]["PassingYDS"] == 297
    assert batch.player_games.empty


def test_projections_are_counted_and_left_out():
    projected = files.as_csv([PASSER | {"PlayerWeekProjectedPts": "22"}])
    batch = read(PASSER, **{"data/2022/1/projected/QB_projected.csv": projected, "README.md": b"text"})
    assert len(batch.player_games) == 1
    assert batch.notes == ("1 files of projections are left out",)


@pytest.mark.parametrize(
    ("cells", "rule", "column"),
    [
        ({"Team": "XXX"}, "unknown_team", "Team"), ({"PlayerOpponent": "@XXX"}, "unknown_team", "PlayerOpponent"),
        ({"Team": "FA"}, "team_unknown", "Team"), ({"PlayerOpponent": "Bye"}, "played_on_a_bye", "PlayerOpponent"),
        ({"PlayerOpponent": "CAR"}, "no_such_game", "team"), ({"PlayerId": "x"}, "player", "PlayerId"),
        ({"PlayerId": "-4"}, "player", "PlayerId"), ({"PlayerName": ""}, "player_name", "PlayerName"),
        ({"PlayerName": "x" * 101}, "player_name", "PlayerName"), ({"Pos": "RB"}, "position", "Pos"),
        ({}, "duplicate_row", "PlayerId"), ({"Team": ""}, "unknown_team", "Team"),
    ],
)  # fmt: skip
def test_a_bad_player_week_is_rejected_at_its_row_and_the_other_lands(cells, rule, column):
    batch = read(PASSER, PASSER | cells)
    [finding] = batch.findings
    assert (finding.rule, finding.file, finding.line, finding.column) == (rule, WEEK, 3, column)
    assert len(batch.player_games) == 1


@pytest.mark.parametrize("value", ["x", "NaN", "inf", "1e5", "--", "1,5"])
def test_a_figure_that_is_no_number_is_left_out(value):
    batch = read(PASSER | {"PassingYDS": value})
    assert [(finding.rule, finding.value) for finding in batch.findings] == [("figure", value)]
    assert set(batch.player_games["stats"].iloc[0]) == {"RushingYDS", "TouchCarries"}


def test_a_game_the_schedule_lacks_is_told_with_the_nearest():
    [finding] = read(PASSER | {"PlayerOpponent": "CAR"}).findings
    assert "nearest: BUF@LA 2022-09-" in finding.message


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"\x1f\x8b", b"\x00"])
def test_what_is_no_player_file_is_one_clear_error(data):
    with pytest.raises(DataFileError, match="QB"):
        hvpkod.read({WEEK: data}, name="players.tar", schedule=files.schedule())


def test_an_archive_of_other_files_is_refused():
    with pytest.raises(DataFileError, match=r"^players\.tar"):
        hvpkod.read({"README.md": b""}, name="players.tar", schedule=files.schedule())


def totals(**changed):
    row = {"receptions": 0.0, "carries": 20.0, "passing_yards": 297.0, "pat_made": 0.0, "def_interceptions": 0.0}
    game = files.schedule()["game"].iloc[0]
    return pd.DataFrame([{"game": game, "team": "BUF", "def_sacks": 0.0, **row, **changed}])


def test_players_who_add_up_to_no_more_than_their_team_are_believed():
    verdict = hvpkod.credited_elsewhere(read(PASSER).player_games, totals())
    assert verdict.to_dict("records") == [{"unchecked": False, "excess": ""}]


def test_players_who_have_more_than_their_team_stand_under_a_later_team():
    other = PASSER | {"PlayerName": "Tyler Bass", "PlayerId": "7", "PassingYDS": "1"}
    verdict = hvpkod.credited_elsewhere(read(PASSER, other).player_games, totals())
    assert verdict["excess"].tolist() == ["PassingYDS", "PassingYDS"]


def test_a_game_without_the_teams_own_figures_is_not_checked():
    verdict = hvpkod.credited_elsewhere(read(PASSER).player_games, totals(team="LA"))
    assert verdict["unchecked"].tolist() == [True]
