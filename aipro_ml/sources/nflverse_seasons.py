"""nflverse's season totals of NFL players (CSV, plain or gzip): knowledge of the season's end."""

from datetime import datetime

import pandas as pd

from aipro_ml.sources.base import conform
from aipro_ml.sources.box_scores import LONGEST_NAME, PLAYER_SEASON_COLUMNS, BoxBatch, figures
from aipro_ml.sources.checks import FindingLog, malformed, whole
from aipro_ml.sources.dated import in_order
from aipro_ml.sources.franchises import franchises
from aipro_ml.sources.read import read_csv

SPORT, SOURCE, PLAYER_IDS = "NFL", "nflverse_player_seasons", "nflverse"
KEYS = ("player_id", "player_display_name", "position", "season", "season_type", "recent_team", "games")
NOT_FIGURES = ("player_name", "position_group", "headshot_url")
REGULAR = "REG"
PLAYER_ID = r"[0-9]{2}-[0-9]{7}"


def read(data: bytes, *, name: str, known_from: datetime | None = None) -> BoxBatch:
    """Return the regular-season totals in `data`; play-off and combined rows are left out with a finding each.

    A figure that is zero for the season is left out: absent means none. Bad rows become findings; DataFileError where
    the file cannot be read at all.
    """
    table = read_csv(data, name=name, columns=KEYS, also=_is_figure)
    rows = table.frame
    log = FindingLog(name, rows["line_number"], table.findings)
    season = whole(rows["season"], 1920, 2100)
    log.reject(season.isna(), rows["season"], "season_number", "no whole number that can be one")
    other = rows["season_type"].ne(REGULAR).fillna(True)
    log.reject(other, rows["season_type"], "season_type", "no total of a regular season (REG)")
    strange = ~rows["player_id"].str.fullmatch(PLAYER_ID).fillna(False).astype(bool)
    log.reject(strange, rows["player_id"], "player", "no id of nflverse's like 00-0019596")
    nameless = rows["player_display_name"].isna() | (rows["player_display_name"].str.len() > LONGEST_NAME).fillna(False)
    log.reject(nameless, rows["player_display_name"], "player_name", f"no name of 1 to {LONGEST_NAME} letters")
    again = pd.DataFrame({"season": season, "player": rows["player_id"]}).duplicated()
    log.reject(again & ~log.rejected, rows["player_id"], "duplicate_row", "an earlier row has this player's season")
    games = whole(rows["games"], 0, 30)
    log.flag(malformed(rows["games"], games), rows["games"], "games", "no whole number from 0 to 30: left out")
    team = franchises(SPORT).resolve_all(rows["recent_team"], season)
    log.flag(malformed(rows["recent_team"], team), rows["recent_team"], "unknown_team", "no such team: left out")
    landed = rows.loc[~log.rejected]
    facts = pd.DataFrame(
        {
            "player": rows["player_id"],
            "player_name": rows["player_display_name"],
            "position": rows["position"].str.slice(0, 20),
            "team": team,
            "season": season,
            "games_played": games,
            "file": name,
            "line_number": rows["line_number"],
        }
    ).loc[landed.index]
    columns = [column for column in rows if column not in (*KEYS, "line_number")]
    totals = figures(landed, columns, log)
    facts["stats"] = totals.map(lambda row: {figure: value for figure, value in row.items() if value})
    return BoxBatch(
        sport=SPORT,
        source=SOURCE,
        player_seasons=conform(facts, PLAYER_SEASON_COLUMNS),
        player_ids=PLAYER_IDS,
        findings=in_order(log.findings),
        rows_read=table.rows_read,
        known_from=known_from,
    )


def _is_figure(column: str) -> bool:
    return column not in NOT_FIGURES and not column.endswith("_list")
