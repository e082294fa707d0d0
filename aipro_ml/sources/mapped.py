"""Any CSV file or Excel workbook as canonical frames, its columns explained by a mapping."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from aipro_ml.enums import GameStatus, SeasonType, Severity
from aipro_ml.sources import mapped_odds
from aipro_ml.sources.base import GAME_COLUMNS, Book, SourceBatch, conform
from aipro_ml.sources.checks import FindingLog, malformed, whole
from aipro_ml.sources.excel import is_excel, read_excel
from aipro_ml.sources.franchises import Franchises, franchises
from aipro_ml.sources.games import dated_game_key, game_key, season_frame
from aipro_ml.sources.mapped_times import FIRST_YEAR, LAST_YEAR, kickoffs
from aipro_ml.sources.mapping import Mapping
from aipro_ml.sources.read import TextTable, read_csv

MOST_POINTS = 400
MOST_WEEKS = 60
DOUBLEHEADERS = frozenset({"MLB"})
"""Sports whose teams may play twice a day, once as the guest at home."""


def read(data: bytes, *, name: str, mapping: Mapping, known_from: datetime | None = None) -> SourceBatch:
    """Return everything the table `data` (CSV, gzip of it, or .xlsx) says by `mapping`.

    Bad rows and cells become findings. No price counts as seen after `known_from`, the moment of a live fetch.
    Raises DataFileError where the file cannot be read at all or lacks a column of the mapping.
    """
    table = _table(data, name, mapping)
    log = FindingLog(name, table.frame["line_number"], table.findings)
    teams = franchises(mapping.sport)
    rows = _rows(table.frame, mapping, teams, log)
    games = rows.drop_duplicates("game")
    offers = mapped_odds.offers(table.frame.loc[rows.index], rows, mapping, known_from, log)
    return SourceBatch(
        sport=mapping.sport,
        source=mapping.source,
        teams=teams.frame(),
        seasons=season_frame(games),
        games=conform(games, GAME_COLUMNS),
        books=tuple(Book(book) for book in dict.fromkeys(offers["book"])),
        quotes=mapped_odds.quotes(offers),
        closing=mapped_odds.closing(offers),
        findings=log.findings,
        rows_read=table.rows_read,
        known_from=known_from,
    )


def _table(data: bytes, name: str, mapping: Mapping) -> TextTable:
    if is_excel(data):
        return read_excel(data, name=name, columns=mapping.columns)
    return read_csv(data, name=name, columns=mapping.columns)


def _rows(rows: pd.DataFrame, mapping: Mapping, teams: Franchises, log: FindingLog) -> pd.DataFrame:
    """Return the game of each good row under the row's index; rows of one game say the same of it."""
    kickoff, estimated = kickoffs(rows, mapping, log)
    season = _seasons(rows, mapping, kickoff, log)
    facts = pd.DataFrame(
        {
            "season": season,
            "season_type": pd.Series(SeasonType.REGULAR.value, index=rows.index, dtype="string"),
            "week": _weeks(rows, mapping, log),
            "game_number": 1,
            "kickoff": kickoff,
            "kickoff_estimated": estimated,
            "venue": pd.Series(pd.NA, index=rows.index, dtype="string"),
            "neutral_site": _neutral(rows, mapping, log),
            "overtime": False,
            "line_number": rows["line_number"],
        }
    )
    games = pd.concat([facts, _sides(rows, season, mapping, teams, log), _scores(rows, mapping, log)], axis=1)
    games = games.loc[~log.rejected]
    zone = ZoneInfo(mapping.sport_timezone or mapping.timezone)
    games = games.assign(game=game_key(games) if mapping.week is not None else dated_game_key(games, zone))
    # The table has no ids of its own, or none that are unique over sports
    games = games.assign(external_id=mapping.sport + "_" + games["game"].str.slice(0, 49 - len(mapping.sport)))
    _reject_repeated(rows.loc[games.index], games, mapping, log)
    return _as_first_told(games.loc[~log.rejected.loc[games.index]])


def _seasons(rows: pd.DataFrame, mapping: Mapping, kickoff: pd.Series, log: FindingLog) -> pd.Series:
    if mapping.season is None:
        months = (mapping.season_starts_month or 1) - 1
        local = kickoff.dt.tz_convert(mapping.timezone).dt.tz_localize(None)
        return (local - pd.DateOffset(months=months)).dt.year.astype("Int64")
    text = rows[mapping.season]
    season = whole(text, FIRST_YEAR, LAST_YEAR)
    log.reject(season.isna(), text, "season_range", f"no season from {FIRST_YEAR} to {LAST_YEAR}")
    strayed = (kickoff.dt.year.astype("Int64") - season).abs() > 1
    log.reject(strayed, text, "date_outside_season", "the date is more than a year from the season")
    return season


def _weeks(rows: pd.DataFrame, mapping: Mapping, log: FindingLog) -> pd.Series:
    if mapping.week is None:
        return pd.Series(pd.NA, index=rows.index, dtype="Int64")
    week = whole(rows[mapping.week], 1, MOST_WEEKS)
    log.reject(week.isna(), rows[mapping.week], "week_number", f"no week number from 1 to {MOST_WEEKS}")
    return week


def _neutral(rows: pd.DataFrame, mapping: Mapping, log: FindingLog) -> pd.Series:
    if mapping.neutral_site is None:
        return pd.Series(False, index=rows.index)
    text = rows[mapping.neutral_site]
    neutral = whole(text, 0, 1)
    odd = malformed(text, neutral)
    log.flag(odd, text, "neutral_site", "neither 0 nor 1: taken as 0", Severity.WARNING)
    return neutral.eq(1).fillna(False).astype(bool)


def _sides(rows: pd.DataFrame, season: pd.Series, mapping: Mapping, teams: Franchises, log: FindingLog) -> pd.DataFrame:
    """Return the franchises of both sides."""

    def unknown(text: str) -> str:
        near = ", ".join(f"{code} ({teams.teams[code].name})" for code in teams.nearest(text))
        return "no such team" + (f"; nearest: {near}" if near else f"; see configs/teams/{mapping.sport.lower()}.yaml")

    columns = {"home": mapping.home, "away": mapping.away}
    sides = {side: teams.find_all(rows[column], season) for side, column in columns.items()}
    for side, column in columns.items():
        log.reject(sides[side].isna() & season.notna(), rows[column], "unknown_team", unknown)
    log.reject(sides["home"] == sides["away"], rows[mapping.away], "home_is_away", "a team cannot play itself")
    return pd.DataFrame(sides)


def _scores(rows: pd.DataFrame, mapping: Mapping, log: FindingLog) -> pd.DataFrame:
    """Return scores and status; a game without scores is still to be played."""
    if mapping.home_score is None or mapping.away_score is None:
        none = pd.Series(pd.NA, index=rows.index, dtype="Int64")
        return pd.DataFrame({"home_score": none, "away_score": none, "status": GameStatus.SCHEDULED.value})
    texts = {"home_score": rows[mapping.home_score], "away_score": rows[mapping.away_score]}
    scores = {side: whole(text, 0, MOST_POINTS) for side, text in texts.items()}
    for side, other in (("home_score", "away_score"), ("away_score", "home_score")):
        text = texts[side]
        log.reject(malformed(text, scores[side]), text, "score", f"no whole number from 0 to {MOST_POINTS}")
        log.reject(text.isna() & texts[other].notna(), text, "score_alone", "only one of the two scores is there")
    final = scores["home_score"].notna() & scores["away_score"].notna()
    status = np.where(final, GameStatus.FINAL.value, GameStatus.SCHEDULED.value)
    return pd.DataFrame(scores).assign(status=status)


def _reject_repeated(rows: pd.DataFrame, games: pd.DataFrame, mapping: Mapping, log: FindingLog) -> None:
    """Reject a game told twice where rows are games; where they are not, mark those that tell another score."""
    again = games["game"].duplicated()
    if mapping.sport not in DOUBLEHEADERS:
        said = "an earlier row has this game with the other team at home; the first counts"
        log.reject(_exchanged(games.loc[~again], games), rows[mapping.home], "sides_exchanged", said)
    if not mapping.repeats_games:
        log.reject(again, rows[mapping.home], "duplicate_game", "an earlier row has this game; the first counts")
        return
    if mapping.home_score is None:
        return
    told = games.groupby("game")[["home_score", "away_score"]].transform("first")
    differs = games[["home_score", "away_score"]].ne(told).fillna(False).any(axis=1)
    said = "not the score of this game's first row, which counts"
    log.flag(differs, rows[mapping.home_score], "score_differs", said, Severity.WARNING)


def _exchanged(told: pd.DataFrame, games: pd.DataFrame) -> pd.Series:
    """Return which of `games` are the return of an earlier game of `told`, in the same week or on the same day."""
    pair = pd.DataFrame(np.sort(told[["home", "away"]].to_numpy(str), axis=1), index=told.index)
    named = told["away"] + "@" + told["home"]
    slot = pd.Series([key.replace(name, "") for key, name in zip(told["game"], named, strict=True)], index=told.index)
    again = (slot + pair[0] + "@" + pair[1]).duplicated()
    return games["game"].isin(told.loc[again, "game"])


def _as_first_told(games: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with what the first row of their game says of kick-off and status."""
    first = games.drop_duplicates("game").set_index("game")
    told = {column: games["game"].map(first[column]) for column in ("kickoff", "status")}
    return games.assign(**told)
