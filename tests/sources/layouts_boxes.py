"""The layouts of box scores for malformed variants."""

from datetime import date, timedelta
from functools import cache

import pandas as pd

from aipro_ml.sources import box_scores, box_scores_nba, games_nba
from tests.sources import malformed_values as bad
from tests.sources.contract import check_boxes
from tests.sources.layouts_archives import schedule
from tests.sources.layouts_tables import exchanged
from tests.sources.malformed import Layout, Row, csv_of
from tests.sources.malformed_values import without


def week_of(number: int) -> list[Row]:
    """The figures of BUF and LA in week 1, 2, … of 2022."""
    row = {
        "season": "2022", "week": str(number + 1), "team": "BUF", "season_type": "REG", "opponent_team": "LA",
        "passing_yards": "297", "passing_epa": "1.609339692862",
    }  # fmt: skip
    return [row, row | {"team": "LA", "opponent_team": "BUF"}]


def box_of(number: int) -> list[Row]:
    """New Orleans at New Jersey on 27 October 2010 and the days after, two rows."""
    figures = dict.fromkeys(box_scores_nba.TEAM_FIGURES, "1")
    row = {
        "SEASON_ID": "22010", "TEAM_ABBREVIATION": "NJN", "GAME_ID": str(21000001 + number),
        "GAME_DATE": (date(2010, 10, 27) + timedelta(days=number)).isoformat(), "MATCHUP": "NJN vs. NOH",
        "MIN": "240", "PTS": "101", **figures,
    }  # fmt: skip
    return [row, row | {"TEAM_ABBREVIATION": "NOH", "MATCHUP": "NOH @ NJN", "PTS": "98"}]


def nba_game(number: int) -> list[Row]:
    """The Lakers at Denver on 24 October 2023 and the days after."""
    day = date(2023, 10, 24) + timedelta(days=number)
    return [{
        "game_id": str(22300061 + number), "date": day.isoformat(), "season": "2023", "home_team": "DEN",
        "away_team": "LAL", "home_score": "119", "away_score": "107", "season_type": "regular",
    }]  # fmt: skip


@cache
def nba_games() -> pd.DataFrame:
    """Return the games of the invented season."""
    rows = [row for number in range(60) for row in nba_game(number)]
    return box_scores_nba.read_games(csv_of(rows), name="games.csv").games


def player_of(number: int) -> list[Row]:
    """A player of each side in each game."""
    row = {
        "game_id": str(22300061 + number), "team_abbreviation": "DEN", "player_id": "203999",
        "player_name": "Nikola Jokić", "MIN": "36.255", **dict.fromkeys(box_scores_nba.PLAYER_FIGURES, "2"),
    }  # fmt: skip
    return [row, row | {"team_abbreviation": "LAL", "player_id": "2544", "player_name": "LeBron James"}]


def _games_of(frame: str):
    return lambda batch: list(dict.fromkeys(getattr(batch, frame).sort_values("line_number")["game"]))


LAYOUTS = [
    Layout(
        "nfl-team-weeks",
        "weeks.csv",
        lambda content: box_scores.read_nfl_team_weeks(content, name="weeks.csv", schedule=schedule()),
        week_of,
        {
            "season": ["", "2021", *bad.SEASONS],
            "week": ["", "0", "59", *bad.WEEKS],
            "team": [*bad.TEAMS, "OAK", "buf", "LA"],
            "opponent_team": [*bad.TEAMS, "CAR", "BUF"],
            "passing_yards": bad.NUMBERS,
            "passing_epa": [*bad.NUMBERS, "1.5.5", "9" * 20],
        },
        box_scores.NFL_KEYS,
        keys=_games_of("team_games"),
        check=check_boxes,
        told_at={"season": ("team",), "week": ("team",), "opponent_team": ("team",), "team": ("team",)},
    ),
    Layout(
        "nba-team-box",
        "box.csv",
        lambda content: box_scores_nba.read_team_box(content, name="box.csv"),
        box_of,
        {
            "GAME_DATE": [*bad.DAYS, "", "10/27/2010", "2010-8-27", "2010-08-27"],
            "SEASON_ID": ["", "2010", "12010", "22011", *bad.SEASONS],
            "TEAM_ABBREVIATION": [*bad.TEAMS, "BOS"],
            "MATCHUP": ["", "NJN @ NOH", "NJN - NOH", *bad.FEW_TEXTS],
            "GAME_ID": ["", "x", *bad.FEW_TEXTS],
            "PTS": ["", *bad.SCORES],
            "FG_PCT": bad.NUMBERS,
            "AST": bad.NUMBERS,
        },
        (*box_scores_nba.TEAM_FIELDS, *box_scores_nba.TEAM_FIGURES),
        check=check_boxes,
        told_at={
            "SEASON_ID": ("GAME_DATE",),
            "GAME_ID": ("MATCHUP",),
            "TEAM_ABBREVIATION": ("MATCHUP",),
        },
    ),
    Layout(
        "games-nba",
        "games.csv",
        lambda content: games_nba.read(content, name="games.csv"),
        nba_game,
        {
            "date": [*bad.DAYS, "", "10/24/2023", "2023-10-5 ", "2023-08-24"],
            "season": ["", "2022", *bad.SEASONS],
            "home_team": [*bad.TEAMS, "LAL"],
            "away_team": [*bad.TEAMS, "DEN"],
            "home_score": ["", *bad.SCORES],
            "away_score": ["", *bad.SCORES],
            "game_id": ["", "x" * 51, "x" * 5000],
            "season_type": ["", "x", "Regular", "2", *bad.FEW_TEXTS],
        },
        games_nba.FIELDS,
        told_at={
            "season": ("date",),
            "home_team": ("away_team",),
            "home_score": ("away_score",),
            "away_score": ("home_score",),
        },
        swapped=exchanged(("home_team", "away_team")),
    ),
    Layout(
        "nba-player-box",
        "players.csv",
        lambda content: box_scores_nba.read_player_box(content, name="players.csv", games=nba_games()),
        player_of,
        {
            "game_id": ["", "x", "9", "-1", "NaN", *bad.TEXTS],
            "team_abbreviation": [*bad.TEAMS, "BOS"],
            "player_id": ["", "x", "-1", "0", "1.5", "NaN", "inf", "1e3", "9" * 20, "２０", *bad.FEW_TEXTS],
            "player_name": ["", "x" * 101, "x" * 5000],
            "MIN": [*bad.NUMBERS, "-1", "900", "36:15"],
            "PTS": bad.NUMBERS,
            "PLUS_MINUS": without(bad.NUMBERS),
        },
        (*box_scores_nba.PLAYER_FIELDS, *box_scores_nba.PLAYER_FIGURES),
        keys=_games_of("player_games"),
        check=check_boxes,
    ),
]
