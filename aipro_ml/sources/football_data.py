"""football-data.co.uk's season files (one row a match, the prices of many books beside it) as canonical frames."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from aipro_ml.enums import GameStatus, SeasonType, Severity
from aipro_ml.errors import DataFileError
from aipro_ml.sources import football_data_odds
from aipro_ml.sources.base import GAME_COLUMNS, Book, Finding, SourceBatch, conform
from aipro_ml.sources.checks import FindingLog, malformed, shortened, whole
from aipro_ml.sources.football_data_columns import SHARP, Offer, is_odds_column, offers, unknown_books
from aipro_ml.sources.football_data_dates import days, kickoffs, season_in, seasons_of
from aipro_ml.sources.franchises import Franchises, franchises
from aipro_ml.sources.games import busy, dated_game_key, season_frame
from aipro_ml.sources.read import TextTable, read_csv

SOURCE = "football-data.co.uk"
FIELDS = ("Div", "Date", "HomeTeam", "AwayTeam", "FTHG", "FTAG", "FTR")
MOST_GOALS = 40


@dataclass(frozen=True)
class League:
    """A division of the files: its sport, and its usual kick-offs where only the day is known (to 2018/19)."""

    sport: str
    zone: ZoneInfo
    weekday_time: str
    weekend_time: str


LEAGUES = {
    "E0": League("EPL", ZoneInfo("Europe/London"), "20:00", "15:00"),
    "SP1": League("LALIGA", ZoneInfo("Europe/Madrid"), "21:00", "18:00"),
    "D1": League("BUNDES", ZoneInfo("Europe/Berlin"), "20:30", "15:30"),
}


def read(data: bytes, *, name: str, season: int | None = None, known_from: datetime | None = None) -> SourceBatch:
    """Return everything one season's file of a league (plain or gzip) says; bad rows and cells become findings.

    `season` is the season's first year; by default the file's name says it (`E0_0405.csv`), else most of its
    dates do. Prices before the match count as seen on the last Tuesday or Friday 15:00 UK, closing ones (the
    columns with C) 60 s before kick-off, none later than `known_from`, the moment of a live fetch. Raises
    DataFileError where the file cannot be read at all.
    """
    table = read_csv(data, name=name, columns=FIELDS, also=lambda column: column == "Time" or is_odds_column(column))
    log = FindingLog(name, table.frame["line_number"], table.findings)
    division = _division(table, name, log)
    teams = franchises(LEAGUES[division].sport)
    day = days(table.frame["Date"], log)
    season = season or season_in(name) or _usual_season(day)
    games = _games(table.frame, day, season, division, log)
    markets = offers(list(table.frame.columns))
    found = football_data_odds.offered(table.frame.loc[games.index], games, markets, known_from, log)
    whole_file = _whole_file_findings(table, games, name, known_from)
    return SourceBatch(
        sport=LEAGUES[division].sport,
        source=SOURCE,
        teams=teams.frame(),
        seasons=season_frame(games).assign(name=lambda frame: frame["season"].map(_season_name).astype("string")),
        games=conform(games, GAME_COLUMNS),
        books=_books(markets),
        quotes=football_data_odds.quotes(found),
        closing=football_data_odds.closing(found),
        findings=tuple(sorted((*whole_file, *log.findings), key=lambda finding: finding.line)),
        rows_read=table.rows_read,
        known_from=known_from,
    )


def _division(table: TextTable, name: str, log: FindingLog) -> str:
    """Return the file's one division, the commonest known; rows of others are rejected."""
    text = table.frame["Div"]
    known = text.loc[text.isin(LEAGUES)]
    if known.empty:
        seen = shortened(", ".join(text.dropna().unique()[:5])) or "none"
        raise DataFileError(
            f"no match of a known division ({', '.join(LEAGUES)}); found: {seen}", file=name, column="Div"
        )
    division = str(known.mode().iloc[0])
    log.reject(text.ne(division).fillna(True), text, "division", f"the file is of {division}; split it by division")
    return division


def _usual_season(day: pd.Series) -> int | None:
    seasons = seasons_of(day).dropna().mode()
    return None if seasons.empty else int(seasons.iloc[0])


def _season_name(season: int) -> str:
    return f"{season}/{(season + 1) % 100:02d}"


def _games(rows: pd.DataFrame, day: pd.Series, season: int | None, division: str, log: FindingLog) -> pd.DataFrame:
    """Return the good games under the index of their rows."""
    league = LEAGUES[division]
    strayed = (seasons_of(day) != season) & day.notna()
    said = f"not between August {season} and July of the next year, the season of this file"
    log.reject(strayed, rows["Date"], "date_outside_season", said)
    clock = rows["Time"] if "Time" in rows else pd.Series(pd.NA, index=rows.index, dtype="string", name="Time")
    kickoff, estimated = kickoffs(day, clock, (league.zone, league.weekday_time, league.weekend_time), log)
    seasons = pd.Series(season, index=rows.index, dtype="Int64")
    facts = pd.DataFrame(
        {
            "season": seasons,
            "season_type": pd.Series(SeasonType.REGULAR.value, index=rows.index, dtype="string"),
            "week": pd.Series(pd.NA, index=rows.index, dtype="Int64"),
            "game_number": 1,
            "kickoff": kickoff,
            "kickoff_estimated": estimated,
            "venue": pd.Series(pd.NA, index=rows.index, dtype="string"),
            "neutral_site": False,
            "overtime": False,
            "line_number": rows["line_number"],
        }
    )
    sides = _sides(rows, seasons, franchises(league.sport), league.sport, log)
    games = pd.concat([facts, sides, _scores(rows, log)], axis=1).loc[~log.rejected]
    games = games.assign(game=dated_game_key(games, league.zone))
    games = games.assign(external_id=division + "_" + games["game"].str.slice(5, 15) + "_" + games["away"])
    games["external_id"] += "_" + games["home"]
    _reject_repeated(rows.loc[games.index], games, log)
    return games.loc[~log.rejected.loc[games.index]]


def _sides(rows: pd.DataFrame, seasons: pd.Series, teams: Franchises, sport: str, log: FindingLog) -> pd.DataFrame:
    """Return the clubs of both sides."""

    def unknown(text: str) -> str:
        near = ", ".join(f"{code} ({teams.teams[code].name})" for code in teams.nearest(text))
        return "no such club" + (f"; nearest: {near}" if near else f"; see configs/teams/{sport.lower()}.yaml")

    columns = {"home": "HomeTeam", "away": "AwayTeam"}
    sides = {side: teams.find_all(rows[column], seasons) for side, column in columns.items()}
    for side, column in columns.items():
        log.reject(sides[side].isna(), rows[column], "unknown_team", unknown)
    same = sides["home"] == sides["away"]
    log.reject(same, rows["AwayTeam"], "home_is_away", "a team cannot play itself")
    return pd.DataFrame(sides)


def _scores(rows: pd.DataFrame, log: FindingLog) -> pd.DataFrame:
    """Return scores and status; a match without goals is still to be played."""
    goals = {side: whole(rows[side], 0, MOST_GOALS) for side in ("FTHG", "FTAG")}
    for side, other in (("FTHG", "FTAG"), ("FTAG", "FTHG")):
        text = rows[side]
        log.reject(malformed(text, goals[side]), text, "score", f"no whole number from 0 to {MOST_GOALS}")
        log.reject(text.isna() & rows[other].notna(), text, "score_alone", "only one of the two scores is there")
    margin = goals["FTHG"] - goals["FTAG"]
    result = pd.Series("D", index=rows.index, dtype="string").mask(margin > 0, "H").mask(margin < 0, "A")
    differs = margin.notna() & result.ne(rows["FTR"]).fillna(True)
    said = "not the result of the goals (H, D or A); the goals count"
    log.flag(differs, rows["FTR"], "result_differs", said, Severity.WARNING)
    status = np.where(margin.notna(), GameStatus.FINAL.value, GameStatus.SCHEDULED.value)
    return pd.DataFrame({"home_score": goals["FTHG"], "away_score": goals["FTAG"], "status": status}, index=rows.index)


def _reject_repeated(rows: pd.DataFrame, games: pd.DataFrame, log: FindingLog) -> None:
    """Reject what cannot be in a league: a pairing at home twice a season, a club twice a day."""
    again = games.duplicated(["home", "away"])
    log.reject(again, rows["HomeTeam"], "duplicate_game", "an earlier row has this pairing; the first counts")
    left = games.loc[~again]
    said = "one of these clubs has another match that day; the first counts"
    twice = busy(left, left["game"].str.slice(5, 15))
    log.reject(twice, rows["HomeTeam"].loc[left.index], "team_twice_a_day", said)


def _books(markets: list[Offer]) -> tuple[Book, ...]:
    names = dict.fromkeys(offer.book for offer in markets)
    return tuple(Book(name, is_sharp=name in SHARP) for name in names)


def _whole_file_findings(
    table: TextTable, games: pd.DataFrame, name: str, known_from: datetime | None
) -> tuple[Finding, ...]:
    """Return what no single row shows: matches that are missing, and books nobody knows."""
    found = []
    clubs = len(set(games["home"]) | set(games["away"]))
    all_of_them = clubs * (clubs - 1)
    # Fewer than half is a season under way or an excerpt, not a file with holes
    if known_from is None and all_of_them / 2 < len(games) < all_of_them:
        said = f"{len(games)} of the {all_of_them} matches of a season of {clubs} clubs: the others are missing"
        found.append(Finding(name, 1, "", str(len(games)), "incomplete_season", said, Severity.WARNING))
    for stem in unknown_books(list(table.frame.columns)):
        said = "looks like the three-way prices of a book that is not known here: they do not land"
        found.append(Finding(name, 1, f"{stem}H", stem, "unknown_book", said, Severity.WARNING))
    return tuple(found)
