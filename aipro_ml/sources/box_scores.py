"""Box scores: what each team, and each player, did in each game, beside the frames of games.

These are figures of after the game. `stats` maps a figure's name, as the source has it, to its value; a missing one is
left out. NFL team weeks have neither site nor score, so they are read against a schedule; NBA player boxes against the
games of their season.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from aipro_ml.sources.base import GAME_COLUMNS, Finding, conform, empty
from aipro_ml.sources.box_games import both_sides, reject_lost
from aipro_ml.sources.checks import FindingLog, malformed, numbers, whole
from aipro_ml.sources.dated import in_order
from aipro_ml.sources.franchises import franchises
from aipro_ml.sources.read import TextTable, read_csv

TEAM_GAME_COLUMNS: Mapping[str, str] = {
    "team": "string",  # franchise code
    "game": "string",
    "opponent": "string",
    "is_home": "boolean",
    "points_for": "Int64",
    "points_against": "Int64",
    "stats": "object",  # name of a figure to its value
    "file": "string",
    "line_number": "Int64",
}
PLAYER_GAME_COLUMNS: Mapping[str, str] = {
    "player": "string",  # the source's id
    "player_name": "string",
    "position": "string",  # NA where the source has none
    "team": "string",
    "game": "string",
    "minutes": "Float64",
    "stats": "object",
    "file": "string",
    "line_number": "Int64",
}
PLAYER_SEASON_COLUMNS: Mapping[str, str] = {
    "player": "string",
    "player_name": "string",
    "position": "string",
    "team": "string",  # franchise code of his latest team; NA: none
    "season": "Int64",
    "games_played": "Int64",  # NA where the source does not say
    "stats": "object",  # totals of the regular season
    "file": "string",
    "line_number": "Int64",
}
NFL_SOURCE = "nflverse_team_weeks"
NFL_KEYS = ("season", "week", "team", "season_type", "opponent_team")
LONGEST_NAME = 100
"""`players.name` is VARCHAR(100)."""

NOT_FIGURES = ("fg_made_list", "fg_missed_list", "fg_blocked_list")


@dataclass(frozen=True)
class BoxBatch:
    """The box scores of one file or archive; `games` (GAME_COLUMNS) only where the file itself tells them.

    `player_ids` names the system of the players' ids: two systems are never mixed. `without_figures` counts rows that
    name a player without a single figure; they are passed over.
    """

    sport: str
    source: str
    games: pd.DataFrame = field(default_factory=lambda: empty(GAME_COLUMNS))
    team_games: pd.DataFrame = field(default_factory=lambda: empty(TEAM_GAME_COLUMNS))
    player_games: pd.DataFrame = field(default_factory=lambda: empty(PLAYER_GAME_COLUMNS))
    player_seasons: pd.DataFrame = field(default_factory=lambda: empty(PLAYER_SEASON_COLUMNS))
    player_ids: str = ""
    without_figures: int = 0
    findings: tuple[Finding, ...] = ()
    rows_read: int = 0
    notes: tuple[str, ...] = ()
    known_from: datetime | None = None


def shorter(text: pd.Series) -> pd.Series:
    """Return decimals cut to six places: 24.066666666666666 is more than a plain number may have."""
    return text.str.replace(r"(\.\d{6})\d{1,20}$", r"\1", regex=True)


def figures(rows: pd.DataFrame, columns: Sequence[str], log: FindingLog) -> pd.Series:
    """Return each row's figures by name; a cell that is no number is a finding and is left out."""
    values = {}
    for column in columns:
        values[column] = numbers(shorter(rows[column])).astype("float64")
        log.flag(malformed(rows[column], values[column]), rows[column], "figure", "no number: this figure is left out")
    records = pd.DataFrame(values, index=rows.index).to_dict("records")
    found = [{name: value for name, value in record.items() if not math.isnan(value)} for record in records]
    return pd.Series(found, index=rows.index, dtype="object")


def read_nfl_team_weeks(
    data: bytes, *, name: str, schedule: pd.DataFrame, known_from: datetime | None = None
) -> BoxBatch:
    """Return nflverse's weekly team figures (CSV, plain or gzip) for the games of `schedule` (GAME_COLUMNS).

    The file names teams by today's codes in every season. Bad rows become findings; raises DataFileError where the
    file cannot be read at all.
    """
    table = read_csv(data, name=name, columns=NFL_KEYS, also=lambda column: column not in NOT_FIGURES)
    log = FindingLog(name, table.frame["line_number"], table.findings)
    rows = _placed(table, schedule, log)
    columns = [column for column in table.frame if column not in (*NFL_KEYS, "line_number")]
    team_games = rows.assign(stats=figures(table.frame.loc[rows.index], columns, log), file=name)
    return BoxBatch(
        sport="NFL",
        source=NFL_SOURCE,
        team_games=conform(team_games, TEAM_GAME_COLUMNS),
        findings=in_order(log.findings),
        rows_read=table.rows_read,
        known_from=known_from,
    )


def _placed(table: TextTable, schedule: pd.DataFrame, log: FindingLog) -> pd.DataFrame:
    """Return team, opponent, game, site and score of each good row."""
    rows, teams = table.frame, franchises("NFL")
    keys = {"season": whole(rows["season"], 1920, 2100), "week": whole(rows["week"], 1, 60)}
    for column, value in keys.items():
        log.reject(value.isna(), rows[column], f"{column}_number", "no whole number that can be one")
    for role, column in (("team", "team"), ("opponent", "opponent_team")):
        keys[role] = teams.resolve_all(rows[column], keys["season"])
        said = "no such team in that season; see configs/teams/nfl.yaml"
        log.reject(keys[role].isna() & keys["season"].notna(), rows[column], "unknown_team", said)
    same = (keys["team"] == keys["opponent"]).fillna(False).astype(bool)
    log.reject(same & ~log.rejected, rows["team"], "home_is_away", "a team cannot play itself")
    wanted = pd.DataFrame(keys)
    found = wanted.merge(both_sides(schedule), on=["season", "week", "team", "opponent"], how="left")
    found = found.set_axis(rows.index).assign(line_number=rows["line_number"])
    reject_lost(found["game"].isna() & ~log.rejected, wanted, schedule, log)
    again = found["game"].notna() & found.duplicated(["team", "game"])
    log.reject(again & ~log.rejected, rows["team"], "duplicate_row", "an earlier row has this team's game")
    return found.loc[~log.rejected]
