"""Games of sources that know the day of a game and neither its week nor its hour."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from aipro_ml.enums import GameStatus
from aipro_ml.sources import untimed
from aipro_ml.sources.base import GAME_COLUMNS, UTC_TIME, Book, Finding, SourceBatch, conform
from aipro_ml.sources.checks import FindingLog, malformed, whole
from aipro_ml.sources.franchises import franchises
from aipro_ml.sources.games import crowded, dated_game_key, season_frame
from aipro_ml.sources.season_calendar import season_calendar

EASTERN = ZoneInfo("America/New_York")
LONGEST_ID = 50
"""`games.external_id` is VARCHAR(50)."""


@dataclass(frozen=True)
class League:
    """What its sources leave out: the sport's zone, the usual hour of a game there and the possible scores."""

    sport: str
    zone: ZoneInfo
    usual_kickoff: str
    scores: tuple[int, int]


NBA = League("NBA", EASTERN, "19:30", (30, 250))
NFL = League("NFL", EASTERN, "13:00", (0, 199))


@dataclass(frozen=True)
class Fixtures:
    """What a source says of its games, one row each; texts are named by their column in the source.

    `day` is the text of the local day and `date` what was read of it (datetime64, NaT where it is no day);
    `season` Int64 is the year the season begins; `neutral` and `overtime` are boolean, `line_number` is the row's line;
    a missing `external_id` becomes the game's identity.
    """

    day: pd.Series
    date: pd.Series
    season: pd.Series
    home: pd.Series
    away: pd.Series
    home_score: pd.Series
    away_score: pd.Series
    neutral: pd.Series
    overtime: pd.Series
    external_id: pd.Series
    line_number: pd.Series


@dataclass(frozen=True)
class Archive:
    """Games and offers of one archive file, ready to become a batch."""

    league: League
    source: str
    games: pd.DataFrame
    offers: list[pd.DataFrame]
    findings: tuple[Finding, ...]
    rows_read: int
    known_from: datetime | None = None

    def batch(self) -> SourceBatch:
        """Return the canonical frames; the books are those that offer something."""
        quoted, closed = untimed.quotes(self.offers), untimed.closing(self.offers)
        names = sorted(set(quoted["book"]) | set(closed["book"]))
        return SourceBatch(
            sport=self.league.sport,
            source=self.source,
            teams=franchises(self.league.sport).frame(),
            seasons=season_frame(self.games),
            games=conform(self.games, GAME_COLUMNS),
            books=tuple(Book(name) for name in names),
            quotes=quoted,
            closing=closed,
            findings=in_order(self.findings),
            rows_read=self.rows_read,
            known_from=self.known_from,
        )


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings by file and line."""
    return tuple(sorted(findings, key=lambda finding: (finding.file, finding.line)))


def days(text: pd.Series, pattern: str, form: str) -> pd.Series:
    """Return the days (datetime64, no zone) of texts that match `pattern` whole; NaT for any other."""
    plain = text.where(text.str.fullmatch(pattern, flags=re.ASCII).fillna(False).astype(bool))
    return pd.to_datetime(plain, format=form, errors="coerce").astype("datetime64[us]")


def iso_days(text: pd.Series) -> pd.Series:
    """Return the days of texts like 2022-10-18."""
    return days(text, r"(?:19|20)\d\d-\d\d-\d\d", "%Y-%m-%d")


def dated_games(fixtures: Fixtures, league: League, log: FindingLog) -> pd.DataFrame:
    """Return the good games (GAME_COLUMNS) under the index of their rows; the kick-off is estimated.

    The first of two rows of one pair on one day counts. Findings go to `log`, which may have rejected rows before.
    """
    season = _seasons(fixtures, league, log)
    endless = fixtures.external_id.str.len() > LONGEST_ID
    log.reject(endless, fixtures.external_id, "game_id", f"a game's number has at most {LONGEST_ID} characters")
    wall = fixtures.date + pd.Timedelta(f"{league.usual_kickoff}:00")
    facts = {
        "external_id": fixtures.external_id.astype("string"),
        "season": season,
        "season_type": season_calendar(league.sport).season_types(fixtures.date, season),
        "week": pd.Series(pd.NA, index=season.index, dtype="Int64"),
        "game_number": 1,
        "kickoff": wall.dt.tz_localize(league.zone).dt.tz_convert("UTC").astype(UTC_TIME),
        "kickoff_estimated": True,
        "venue": pd.Series(pd.NA, index=season.index, dtype="string"),
        "neutral_site": fixtures.neutral,
        "line_number": fixtures.line_number,
    }
    parts = [pd.DataFrame(facts), _sides(fixtures, season, league, log), _scores(fixtures, league, log)]
    games = pd.concat(parts, axis=1).loc[~log.rejected]
    games = games.assign(game=dated_game_key(games, league.zone))
    games["external_id"] = games["external_id"].fillna(games["game"])
    _reject_repeated(fixtures, games, log)
    return games.loc[~log.rejected.loc[games.index]]


def _reject_repeated(fixtures: Fixtures, games: pd.DataFrame, log: FindingLog) -> None:
    """Reject what an earlier row has told, the game or its number, and both games of a team that has two that day."""
    again = games["game"].duplicated()
    said = "an earlier row has these teams on this day; the first counts"
    log.reject(again, fixtures.home.loc[games.index], "duplicate_game", said)
    reused = games["external_id"].duplicated() & ~again
    said = "an earlier row has this game's number; the first counts"
    log.reject(reused, fixtures.external_id.loc[games.index], "duplicate_game", said)
    left = games.loc[~again & ~reused]
    said = "one of these teams has another game that day: one of the two is misdated, neither lands"
    twice = crowded(left, fixtures.date.loc[left.index].dt.strftime("%Y-%m-%d"))
    log.reject(twice, fixtures.home.loc[left.index], "team_twice_a_day", said)


def _seasons(fixtures: Fixtures, league: League, log: FindingLog) -> pd.Series:
    there = fixtures.date.notna()
    log.reject(~there, fixtures.day, "game_date", "no day of a known season in this source's form")
    calendar = season_calendar(league.sport).season_of(fixtures.date)
    said = "no day of that season; see configs/seasons"
    log.reject(there & calendar.ne(fixtures.season).fillna(True), fixtures.day, "date_outside_season", said)
    return fixtures.season.astype("Int64")


def _sides(fixtures: Fixtures, season: pd.Series, league: League, log: FindingLog) -> pd.DataFrame:
    teams = franchises(league.sport)

    def unknown(name: str) -> str:
        near = ", ".join(teams.nearest(name))
        return "no such team in that season" + (f"; nearest: {near}" if near else "; see configs/teams")

    sides = {}
    for side, names in (("home", fixtures.home), ("away", fixtures.away)):
        sides[side] = teams.find_all(names, season)
        log.reject(sides[side].isna() & season.notna(), names, "unknown_team", unknown)
    same = sides["home"] == sides["away"]
    log.reject(same, fixtures.away, "home_is_away", "a team cannot play itself")
    return pd.DataFrame(sides)


def _scores(fixtures: Fixtures, league: League, log: FindingLog) -> pd.DataFrame:
    low, high = league.scores
    scores = {}
    for side, text, other in (
        ("home", fixtures.home_score, fixtures.away_score),
        ("away", fixtures.away_score, fixtures.home_score),
    ):
        scores[side] = whole(text, low, high)
        log.reject(malformed(text, scores[side]), text, "score", f"no whole number from {low} to {high}")
        log.reject(text.isna() & other.notna(), text, "score_alone", "only one of the two scores is there")
    final = scores["home"].notna() & scores["away"].notna()
    return pd.DataFrame(
        {
            "status": np.where(final, GameStatus.FINAL.value, GameStatus.SCHEDULED.value),
            "home_score": scores["home"],
            "away_score": scores["away"],
            "overtime": fixtures.overtime.astype("boolean").where(final),
        }
    )
