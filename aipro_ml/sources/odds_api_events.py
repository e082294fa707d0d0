"""Events of The Odds API as games: who plays, and the kick-off as each snapshot knew it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import pandas as pd

from aipro_ml.config import sport_config
from aipro_ml.enums import GameStatus, SeasonType, Severity
from aipro_ml.errors import UsageError
from aipro_ml.sources.base import UTC_TIME, conform
from aipro_ml.sources.checks import FindingLog
from aipro_ml.sources.franchises import franchises
from aipro_ml.sources.games import dated_game_key
from aipro_ml.sources.season_calendar import season_calendar
from aipro_ml.times import parse_utc

EVENT_ID = r"[0-9A-Za-z_.:-]{1,50}"
MOMENT = r"20\d\d-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)"
EARLY_START = pd.Timedelta(minutes=15)
"""A game may begin this much before the time last announced."""

SEASON_TURN = {"NFL": 7, "NCAAF": 7, "NBA": 9, "NHL": 9, "NCAAB": 9, "MLB": 1, "WNBA": 1}
"""Month a new season can begin in, for days that `configs/seasons` does not know; soccer: August."""

MOVE_COLUMNS: Mapping[str, str] = {
    "game": "string",
    "external_id": "string",
    "kickoff": UTC_TIME,
    "known_at": UTC_TIME,  # the first snapshot that said so
}


@dataclass(frozen=True)
class Events:
    """Games (GAME_COLUMNS), their moves (MOVE_COLUMNS), and the sightings of them that hold.

    `sightings`: the columns read plus game, seen_at, kickoff_then (as known at that snapshot) and kickoff (as
    known last). `seen_until`: the latest moment anything was seen.
    """

    games: pd.DataFrame
    moves: pd.DataFrame
    sightings: pd.DataFrame
    seen_until: pd.Timestamp


def moments(text: pd.Series) -> pd.Series:
    """Return ISO 8601 times with an offset as UTC times, NaT where missing or anything else."""
    known = {one: _moment(one) for one in text.dropna().unique()}
    return pd.to_datetime(text.map(known), utc=True).astype(UTC_TIME)


def _moment(text: str) -> datetime | None:
    try:
        return parse_utc(text) if re.fullmatch(MOMENT, text, flags=re.ASCII) else None
    except ValueError:
        return None


def read(sightings: pd.DataFrame, offers: pd.DataFrame, sport: str, log: FindingLog) -> Events:
    """Return the games of all `sightings` (SIGHTING_COLUMNS); what does not hold goes to `log`.

    An event is one game whatever its kick-off becomes. A kick-off said after the game began counts only if no
    snapshot contradicts it: feeds put the times of running games hours back.
    """
    zone = ZoneInfo(sport_config(sport).timezone)
    seen = sightings.assign(seen_at=_seen_at(sightings, offers), kickoff=moments(sightings["commence_time"]))
    local = seen["kickoff"].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    seen = seen.assign(season=_seasons(local, sport))
    seen = pd.concat([seen, _sides(seen, sport, log)], axis=1)
    _check(seen, log)
    holds = ~log.rejected & seen["home"].notna() & seen["away"].notna()
    seen = seen.loc[holds].sort_values("seen_at", kind="stable", na_position="first")
    seen = _with_known_kickoffs(seen, log)
    games = _games(seen, sport, zone, log)
    held = seen.loc[seen["id"].isin(games["external_id"])].sort_index()
    final = games.set_index("external_id")
    held = held.assign(game=held["id"].map(final["game"]), kickoff=held["id"].map(final["kickoff"]))
    return Events(games, _moves(held), held, sightings["taken_at"].max() if held.empty else held["seen_at"].max())


def _seen_at(sightings: pd.DataFrame, offers: pd.DataFrame) -> pd.Series:
    """Return when each sighting was: its snapshot's time, else its latest offer's."""
    updated = moments(offers["last_update"]).groupby(offers["sighting"]).max().reindex(sightings.index)
    return sightings["taken_at"].fillna(updated).astype(UTC_TIME)


def _seasons(days: pd.Series, sport: str) -> pd.Series:
    """Return the year the season of each local day begins in."""
    turned = (days - pd.DateOffset(months=SEASON_TURN.get(sport, 8) - 1)).dt.year.astype("Int64")
    try:
        return season_calendar(sport).season_of(days).fillna(turned)
    except UsageError:
        return turned


def _season_types(days: pd.Series, seasons: pd.Series, sport: str) -> pd.Series:
    """Return the part of the season of each local day; the feed does not say, so regular where no calendar does."""
    regular = pd.Series(SeasonType.REGULAR.value, index=days.index, dtype="string")
    try:
        calendar = season_calendar(sport)
    except UsageError:
        return regular
    return calendar.season_types(days, seasons).where(calendar.season_of(days).notna(), regular)


def _sides(seen: pd.DataFrame, sport: str, log: FindingLog) -> pd.DataFrame:
    """Return the franchises of both teams; an unknown name is told once an event."""
    teams = franchises(sport)
    shown_before = seen.duplicated(["id", "home_team", "away_team"])

    def unknown(name: str) -> str:
        near = ", ".join(teams.nearest(name))
        return "no such team" + (f"; nearest: {near}" if near else f"; see configs/teams/{sport.lower()}.yaml")

    sides = {side: teams.find_all(seen[f"{side}_team"], seen["season"]) for side in ("home", "away")}
    for side, franchise in sides.items():
        strange = franchise.isna() & seen["season"].notna()
        log.flag(strange & ~shown_before, seen[f"{side}_team"], "unknown_team", unknown)
    return pd.DataFrame(sides, index=seen.index)


def _check(seen: pd.DataFrame, log: FindingLog) -> None:
    """Reject sightings that name no event, no time, no two teams, or other teams than the event's first."""
    names = seen["home_team"] + "@" + seen["away_team"]
    no_id = ~seen["id"].str.fullmatch(EVENT_ID).fillna(False).astype(bool)
    log.reject(no_id, seen["id"], "event_id", "an event needs an id of 1 to 50 plain characters")
    said = "no UTC time from 2000 on like 2025-10-17T23:00:00Z"
    log.reject(seen["kickoff"].isna(), seen["commence_time"], "commence_time", said)
    good = ~log.rejected & seen["home"].notna() & seen["away"].notna()
    same = good & (seen["home"] == seen["away"])
    log.reject(same, seen["away_team"], "home_is_away", "a team cannot play itself")
    first = names.where(good & ~same).groupby(seen["id"]).transform("first")
    log.reject(good & ~same & names.ne(first), seen["home_team"], "event_teams", "the event had other teams before")


def _with_known_kickoffs(seen: pd.DataFrame, log: FindingLog) -> pd.DataFrame:
    """Return the sightings with `kickoff_then`: the kick-off that counts as known at each, in time order."""
    known, refused = pd.Series(index=seen.index, dtype="object"), []
    for _, event in seen.groupby("id", sort=False)[["seen_at", "kickoff"]]:
        then, wrong = _told(event["seen_at"].tolist(), event["kickoff"].tolist())
        known.loc[event.index] = pd.Series(then, index=event.index, dtype="object")
        refused += event.index[wrong].tolist()
    bad = pd.Series(seen.index.isin(refused), index=seen.index)
    said = "said of a running game, and hours before a snapshot that saw it still ahead: the time before holds"
    shown_before = seen.duplicated(["id", "commence_time"])
    log.flag(bad & ~shown_before, seen["commence_time"], "backdated_kickoff", said, Severity.WARNING)
    return seen.assign(kickoff_then=known.astype(UTC_TIME))


def _told(seen_at: list[pd.Timestamp], said: list[pd.Timestamp]) -> tuple[list[pd.Timestamp], list[bool]]:
    """Return the kick-off that counts at each snapshot of one event, and which snapshots' words were refused."""
    counts, ahead, then, wrong = said[0], pd.NaT, [], []
    for moment, kickoff in zip(seen_at, said, strict=True):
        backdated = bool(moment >= counts and kickoff < ahead - EARLY_START)
        counts = counts if backdated else kickoff
        then.append(counts)
        wrong.append(backdated)
        ahead = moment if moment < counts else ahead
    return then, wrong


def _games(seen: pd.DataFrame, sport: str, zone: ZoneInfo, log: FindingLog) -> pd.DataFrame:
    """Return one row an event (GAME_COLUMNS); one that repeats a game of another event is refused."""
    last = seen.drop_duplicates("id", keep="last").set_index("id")
    games = seen.drop_duplicates("id").sort_index()
    games = games.assign(kickoff=games["id"].map(last["kickoff_then"]))
    again = _repeated(games, pd.Timedelta(minutes=sport_config(sport).duration_minutes))
    said = "another event has these teams while this game is played; the first counts"
    log.reject(again, games["id"], "duplicate_game", said)
    games = games.loc[~again]
    days = games["kickoff"].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    order = games["kickoff"].groupby([days, games["home"], games["away"]]).rank(method="first").astype("Int64")
    season = _seasons(days, sport)
    games = games.assign(
        external_id=games["id"],
        season=season,
        season_type=_season_types(days, season, sport),
        week=pd.NA,
        game_number=order,
        kickoff_estimated=False,
        venue=pd.NA,
        neutral_site=False,
        status=GameStatus.SCHEDULED.value,
        home_score=pd.NA,
        away_score=pd.NA,
        overtime=False,
    )
    return games.assign(game=dated_game_key(games, zone))


def _repeated(games: pd.DataFrame, duration: pd.Timedelta) -> pd.Series:
    """Return which events play two teams that another, earlier listed one has at the same time."""
    pair = [" ".join(sorted(two)) for two in zip(games["home"], games["away"], strict=True)]
    again = pd.Series(False, index=games.index)
    for _, kickoffs in games["kickoff"].groupby(pair):
        kept: list[pd.Timestamp] = []
        for label, kickoff in kickoffs.items():
            again.loc[label] = any(abs(kickoff - other) < duration for other in kept)
            kept += [] if again.loc[label] else [kickoff]
    return again


def _moves(held: pd.DataFrame) -> pd.DataFrame:
    """Return the kick-offs each game was given, each from the first snapshot that said so (MOVE_COLUMNS)."""
    rows = held.dropna(subset=["seen_at"]).sort_values(["game", "seen_at"], kind="stable")
    new = rows["kickoff_then"] != rows.groupby("game")["kickoff_then"].shift()
    told = rows.loc[new].assign(external_id=rows["id"], kickoff=rows["kickoff_then"], known_at=rows["seen_at"])
    return conform(told, MOVE_COLUMNS)
