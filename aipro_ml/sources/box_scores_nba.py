"""The NBA's box scores: team boxes (two rows a game), a season's games, and player boxes of those games."""

from datetime import datetime

import pandas as pd

from aipro_ml.sources.base import GAME_COLUMNS, SourceBatch, conform
from aipro_ml.sources.box_scores import (
    LONGEST_NAME,
    PLAYER_GAME_COLUMNS,
    TEAM_GAME_COLUMNS,
    BoxBatch,
    figures,
    shorter,
)
from aipro_ml.sources.checks import FindingLog, id_numbers, malformed, numbers, whole
from aipro_ml.sources.dated import NBA, Archive, Fixtures, dated_games, in_order, iso_days
from aipro_ml.sources.franchises import franchises
from aipro_ml.sources.pairs import Place, placed, visitors
from aipro_ml.sources.read import read_csv

TEAM_SOURCE, GAME_SOURCE, PLAYER_SOURCE = "nba_team_box", "nba_games", "nba_player_box"
PLAYER_IDS = "nba.com"
TEAM_FIELDS = ("SEASON_ID", "TEAM_ABBREVIATION", "GAME_ID", "GAME_DATE", "MATCHUP", "MIN", "PTS")
TEAM_FIGURES = (
    "FGM", "FGA", "FG_PCT", "FG3M", "FG3A", "FG3_PCT", "FTM", "FTA", "FT_PCT", "OREB", "DREB", "REB", "AST", "STL",
    "BLK", "TOV", "PF", "PLUS_MINUS",
)  # fmt: skip
GAME_FIELDS = ("game_id", "date", "season", "home_team", "away_team", "home_score", "away_score")
PLAYER_FIELDS = ("game_id", "team_abbreviation", "player_id", "player_name", "MIN")
PLAYER_FIGURES = (
    "PTS", "REB", "AST", "FGM", "FGA", "FG3M", "FG3A", "FTM", "FTA", "TOV", "PF", "PLUS_MINUS", "STL", "BLK",
)  # fmt: skip
MATCHUP = r"[A-Z]{2,4} (@|vs\.) [A-Z]{2,4}"


def read_team_box(data: bytes, *, name: str, known_from: datetime | None = None) -> BoxBatch:
    """Return the NBA's team boxes (CSV, plain or gzip) and the games they tell; `BOS vs. MIA` is at home.

    SEASON_ID is the year the season begins behind a digit of its part (2 regular, 4 play-offs, 5 play-in). Bad rows
    become findings; raises DataFileError where the file cannot be read at all.
    """
    table = read_csv(data, name=name, columns=(*TEAM_FIELDS, *TEAM_FIGURES))
    home, away, lone = _sides(table.frame, name)
    log = FindingLog(name, pd.Series(range(len(home)), dtype="int64"))
    games = dated_games(_team_fixtures(home, away), NBA, log)
    boxes = [_boxes(rows, games, is_home) for rows, is_home in ((home, True), (away, False))]
    rows = pd.concat(boxes, ignore_index=True).sort_values("line_number", ignore_index=True)
    cells = FindingLog(name, rows["line_number"])
    stats = figures(rows, (*TEAM_FIGURES, "MIN", "PTS"), cells)
    places: list[list[Place]] = [[(name, int(line)) for line in side["line_number"]] for side in (home, away)]
    return BoxBatch(
        sport=NBA.sport,
        source=TEAM_SOURCE,
        games=conform(games, GAME_COLUMNS),
        team_games=conform(rows.assign(stats=stats, file=name), TEAM_GAME_COLUMNS),
        findings=in_order((*table.findings, *lone.findings, *placed(log.findings, *places), *cells.findings)),
        rows_read=table.rows_read,
        known_from=known_from,
    )


def _sides(rows: pd.DataFrame, name: str) -> tuple[pd.DataFrame, pd.DataFrame, FindingLog]:
    """Return home and visitors' rows of each game on one index."""
    log = FindingLog(name, rows["line_number"])
    site = rows["MATCHUP"].str.extract(f"^{MATCHUP}$")[0].map({"@": "away", "vs.": "home"})
    sites = site.groupby(rows["GAME_ID"])
    paired = sites.transform("nunique").eq(2) & sites.transform("size").eq(2) & rows["GAME_ID"].notna()
    said = "the game has not one row `A vs. B` and one `B @ A`"
    log.flag(~paired.fillna(False), rows["MATCHUP"], "unpaired_row", said)
    other = paired & rows["MATCHUP"].str.split().str[0].ne(rows["TEAM_ABBREVIATION"]).fillna(True)
    said = "not the team that MATCHUP begins with: the game does not land"
    log.flag(other, rows["TEAM_ABBREVIATION"], "team_differs", said)
    paired &= ~other.groupby(rows["GAME_ID"]).transform("any").fillna(False).astype(bool)
    sides = {}
    for side in ("home", "away"):
        mine = rows.loc[paired & (site == side)].sort_values("GAME_ID")
        sides[side] = mine.reset_index(drop=True)
    order = sides["home"]["line_number"].argsort()
    home, away = (sides[side].iloc[order].reset_index(drop=True) for side in ("home", "away"))
    return home, away, log


def _team_fixtures(home: pd.DataFrame, away: pd.DataFrame) -> Fixtures:
    marked = visitors(away)
    season = home["SEASON_ID"].where(home["SEASON_ID"].str.fullmatch(r"[245]\d{4}").fillna(False).astype(bool))
    return Fixtures(
        day=home["GAME_DATE"],
        date=iso_days(home["GAME_DATE"]),
        season=whole(season.str.slice(1), 1946, 2100),
        home=home["TEAM_ABBREVIATION"],
        away=marked["TEAM_ABBREVIATION@visitor"],
        home_score=home["PTS"],
        away_score=marked["PTS@visitor"],
        neutral=pd.Series(False, index=home.index),
        overtime=numbers(home["MIN"]) > 250,  # five players for 48 minutes are 240, five more minutes 265
        external_id=home["GAME_ID"],
        line_number=home["line_number"],
    )


def _boxes(rows: pd.DataFrame, games: pd.DataFrame, is_home: bool) -> pd.DataFrame:
    mine, other = ("home", "away") if is_home else ("away", "home")
    facts = {
        "team": games[mine],
        "game": games["game"],
        "opponent": games[other],
        "is_home": is_home,
        "points_for": games[f"{mine}_score"],
        "points_against": games[f"{other}_score"],
        "line_number": rows["line_number"].loc[games.index],
    }
    return pd.concat([pd.DataFrame(facts), rows.loc[games.index, [*TEAM_FIGURES, "MIN", "PTS"]]], axis=1)


def read_games(data: bytes, *, name: str, known_from: datetime | None = None) -> SourceBatch:
    """Return the games of one season (CSV, plain or gzip); `season` is the year it begins.

    Bad rows become findings; raises DataFileError where the file cannot be read at all.
    """
    table = read_csv(data, name=name, columns=GAME_FIELDS)
    rows = table.frame
    log = FindingLog(name, rows["line_number"], table.findings)
    fixtures = Fixtures(
        day=rows["date"],
        date=iso_days(rows["date"]),
        season=whole(rows["season"], 1946, 2100),
        home=rows["home_team"],
        away=rows["away_team"],
        home_score=rows["home_score"],
        away_score=rows["away_score"],
        neutral=pd.Series(False, index=rows.index),
        overtime=pd.Series(pd.NA, index=rows.index, dtype="boolean"),
        external_id=rows["game_id"],
        line_number=rows["line_number"],
    )
    games = dated_games(fixtures, NBA, log)
    return Archive(NBA, GAME_SOURCE, games, [], log.findings, table.rows_read, known_from).batch()


def read_player_box(data: bytes, *, name: str, games: pd.DataFrame, known_from: datetime | None = None) -> BoxBatch:
    """Return the player boxes (CSV, plain or gzip) of `games` (GAME_COLUMNS, the NBA's game id as external_id).

    Bad rows become findings; raises DataFileError where the file cannot be read at all.
    """
    table = read_csv(data, name=name, columns=(*PLAYER_FIELDS, *PLAYER_FIGURES))
    rows = table.frame
    log = FindingLog(name, rows["line_number"], table.findings)
    facts = games.drop_duplicates("external_id").set_index("external_id")[["game", "season", "home", "away"]]
    found = rows[["game_id"]].join(facts, on="game_id")
    lost = found["game"].isna()
    told_before = lost & rows["game_id"].duplicated()
    said = "none of the given games has this number: its players do not land"
    log.reject(lost & ~told_before, rows["game_id"], "no_such_game", said)
    found["team"] = franchises(NBA.sport).find_all(rows["team_abbreviation"], found["season"])
    strange = found["game"].notna() & (found["team"] != found["home"]) & (found["team"] != found["away"])
    said = "neither team of this game"
    log.reject(strange | (found["team"].isna() & found["game"].notna()), rows["team_abbreviation"], "team", said)
    found["player"] = id_numbers(rows["player_id"])
    log.reject(found["player"].isna(), rows["player_id"], "player", "no number of a player")
    nameless = rows["player_name"].isna() | (rows["player_name"].str.len() > LONGEST_NAME)
    log.reject(nameless, rows["player_name"], "player_name", f"a player needs a name of 1 to {LONGEST_NAME} letters")
    again = found.duplicated(["game", "player"]) & ~log.rejected & ~lost
    log.reject(again, rows["player_id"], "duplicate_row", "an earlier row has this player's game")
    minutes = numbers(shorter(rows["MIN"]))
    minutes = minutes.where(minutes.between(0, 100).fillna(False))
    log.flag(malformed(rows["MIN"], minutes), rows["MIN"], "minutes", "no minutes from 0 to 100: left out")
    found = found.assign(
        player_name=rows["player_name"],
        position=pd.NA,
        file=name,
        minutes=minutes,
        line_number=rows["line_number"],
    )
    landed = found.loc[~log.rejected & ~lost].copy()
    landed["stats"] = figures(rows.loc[landed.index], PLAYER_FIGURES, log)
    return BoxBatch(
        sport=NBA.sport,
        source=PLAYER_SOURCE,
        player_games=conform(landed, PLAYER_GAME_COLUMNS),
        player_ids=PLAYER_IDS,
        findings=in_order(log.findings),
        rows_read=table.rows_read,
        known_from=known_from,
    )


def player_box_games(data: bytes, *, name: str) -> pd.DataFrame:
    """Return the games a file of player boxes is about: external_id, season, day, team, opponent, line_number.

    A game is two teams with one number on one day; numbers that are not that are left out, and their rows find no game.
    `day` has no zone. Raises DataFileError where the file cannot be read at all.
    """
    rows = read_csv(data, name=name, columns=(*PLAYER_FIELDS, "game_date", "season")).frame
    days, season = iso_days(rows["game_date"]), whole(rows["season"], 1946, 2100)
    team = franchises(NBA.sport).find_all(rows["team_abbreviation"], season)
    facts = pd.DataFrame({"season": season, "day": days, "team": team, "line_number": rows["line_number"]})
    told = facts.assign(external_id=rows["game_id"]).dropna().groupby("external_id", sort=False)
    games = told.agg(
        season=("season", "first"),
        day=("day", "first"),
        team=("team", "first"),
        line_number=("line_number", "first"),
        teams=("team", "nunique"),
        days=("day", "nunique"),
    ).reset_index()
    games["opponent"] = told["team"].agg(lambda teams: teams[teams != teams.iloc[0]].min()).array
    one = games["teams"].eq(2) & games["days"].eq(1)
    return games.loc[one].drop(columns=["teams", "days"]).reset_index(drop=True)
