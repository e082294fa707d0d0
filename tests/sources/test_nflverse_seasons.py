"""Season totals of NFL players in nflverse's layout."""

import pytest

from aipro_ml.errors import DataFileError
from aipro_ml.sources import nflverse_seasons
from tests.sources import archive_files as files

ROW = {
    "player_id": "00-0019596", "player_name": "T.Brady", "player_display_name": "Tom Brady", "position": "QB",
    "position_group": "QB", "headshot_url": "no address", "season": "2022", "season_type": "REG", "recent_team": "TB",
    "games": "17", "passing_yards": "4694", "passing_epa": "60.2242697716568", "receptions": "0", "fg_made_list": "54",
}  # fmt: skip


def read(*rows):
    return nflverse_seasons.read(files.as_csv(list(rows)), name="seasons.csv")


def test_a_season_lands_with_what_is_not_zero():
    batch = read(ROW)
    [row] = batch.player_seasons.to_dict("records")
    assert (row["player"], row["player_name"], row["team"], row["season"]) == ("00-0019596", "Tom Brady", "TB", 2022)
    assert row["games_played"] == 17
    assert row["stats"] == {"passing_yards": 4694.0, "passing_epa": 60.224269}
    assert batch.findings == ()


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"season": "x"}, "season_number"), ({"season_type": "POST"}, "season_type"), ({"player_id": "7"}, "player"),
        ({"player_id": ""}, "player"), ({"player_display_name": ""}, "player_name"), ({}, "duplicate_row"),
    ],
)  # fmt: skip
def test_a_bad_season_is_rejected_and_the_other_lands(cells, rule):
    batch = read(ROW, ROW | cells)
    assert [(finding.rule, finding.line) for finding in batch.findings] == [(rule, 3)]
    assert len(batch.player_seasons) == 1


@pytest.mark.parametrize(
    ("cells", "rule"),
    [({"recent_team": "XXX"}, "unknown_team"), ({"games": "271"}, "games"), ({"passing_yards": "1e5"}, "figure")],
)
def test_a_bad_cell_is_left_out_and_its_row_lands(cells, rule):
    batch = read(ROW | cells)
    assert [(finding.rule, finding.line) for finding in batch.findings] == [(rule, 2)]
    assert len(batch.player_seasons) == 1


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"\x1f\x8b", b"\x00"])
def test_what_is_no_season_file_is_one_clear_error(data):
    with pytest.raises(DataFileError, match=r"^some\.csv"):
        nflverse_seasons.read(data, name="some.csv")
