"""A small invented nflverse file whose cells tests can spoil."""

import csv
import io
from collections.abc import Callable

import pytest

Row = dict[str, str]
FileOf = Callable[..., bytes]


def game_row(**cells: str) -> Row:
    """One good game of 2022; `cells` replace its cells."""
    row = {
        "game_id": "2022_01_BUF_LA", "season": "2022", "game_type": "REG", "week": "1",
        "gameday": "2022-09-08", "weekday": "Thursday", "gametime": "20:20", "away_team": "BUF",
        "away_score": "31", "home_team": "LA", "home_score": "10", "location": "Home", "result": "-21",
        "total": "41", "overtime": "0", "away_moneyline": "-130", "home_moneyline": "110",
        "spread_line": "-2.5", "away_spread_odds": "-104", "home_spread_odds": "-106", "total_line": "52",
        "under_odds": "-110", "over_odds": "-108", "roof": "dome", "surface": "matrixturf",
        "stadium_id": "LAX01", "stadium": "SoFi Stadium",
    }  # fmt: skip
    return row | cells


def other_row(**cells: str) -> Row:
    """A second good game, so that tests see good rows land."""
    mine = {"game_id": "2022_01_CLE_CAR", "away_team": "CLE", "home_team": "CAR", "gameday": "2022-09-11"}
    mine |= {"gametime": "13:00", "away_score": "26", "home_score": "24", "result": "-2", "stadium_id": "CAR00"}
    return game_row(**(mine | cells))


def as_csv(*rows: Row) -> bytes:
    """These rows as the bytes of a CSV file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


@pytest.fixture
def file_of() -> FileOf:
    """Build a file of two games, the first with the given cells."""
    return lambda **cells: as_csv(game_row(**cells), other_row())


@pytest.fixture
def file_of_rows() -> FileOf:
    """Build a file of any rows, each given as the cells that differ from the first sample game."""
    return lambda *rows: as_csv(*[game_row(**cells) for cells in rows])
