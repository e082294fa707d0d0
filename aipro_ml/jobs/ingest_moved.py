"""Games that were not played on their day: marked as postponed once that day's results are stored and theirs is not."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import Connection

from aipro_ml.db.repositories import games as games_repository
from aipro_ml.enums import GameStatus, Severity
from aipro_ml.features.sport import Sport
from aipro_ml.jobs import ingest_revisions
from aipro_ml.jobs.ingest_games import current_of, game_rows, typed
from aipro_ml.sources.base import Finding

SOURCE = "aipro"
"""Whose word it is that a game was moved: no source corrects it, and any source's result overrules it."""

OVER = pd.Timedelta(hours=36)
"""A game that began longer ago has a result by now, if it was played."""

MOVED_DAYS = 60
"""A moved game is played within so many days of its first day."""


@dataclass(frozen=True)
class Moved:
    """The games marked in one import: their ids, what was written and a warning for each."""

    game_ids: tuple[str, ...] = ()
    count: games_repository.GameCount = field(default_factory=games_repository.GameCount)
    findings: tuple[Finding, ...] = ()


def mark_moved(connection: Connection, league: Sport, seasons: Iterable[int], now: datetime, file: str) -> Moved:
    """Mark the games of these seasons that were `moved_games`, as known from this import on.

    Feeds give a moved game a new id and never say what became of the first; archives tell it without a score.
    """
    known = typed(games_repository.revisions_of(connection, league.code, sorted(set(seasons))))
    if known.empty:
        return Moved()
    config = league.config
    found = moved_games(current_of(known), pd.Timestamp(now).as_unit("us"), ZoneInfo(config.timezone))
    if found.empty:
        return Moved()
    facts = found.assign(status=GameStatus.POSTPONED.value, known_at=found["known_at"].clip(lower=pd.Timestamp(now)))
    history = ingest_revisions.Knowledge(SOURCE, config.duration_minutes, config.timezone, now, None)
    numbers = known.groupby("game_id")["revision"].max().to_dict()
    rows = game_rows(facts, league.code, SOURCE, now).assign(external_id=facts["external_id"])
    count = games_repository.save_games(connection, rows, [ingest_revisions.numbered(facts, history, numbers)])
    return Moved(tuple(found["game_id"].astype(str)), count, tuple(_warnings(found, file)))


def moved_games(current: pd.DataFrame, now: pd.Timestamp, zone: ZoneInfo) -> pd.DataFrame:
    """Return the games still scheduled, OVER after their kick-off, that were played on another day.

    `current`: one row a game with game_id, season, home, away, status, game_date and more. A game is taken for moved
    where other games of its local day are final and one of the same home and away side within MOVED_DAYS is: `played`
    is that game's id and `played_at` its kick-off (the nearest one's).
    """
    games = current.reset_index(drop=True)
    day = games["game_date"].dt.tz_convert(zone).dt.date
    final = games["status"].eq(GameStatus.FINAL.value).fillna(False).astype(bool)
    open_still = games["status"].eq(GameStatus.SCHEDULED.value).fillna(False).astype(bool)
    late = games.loc[open_still & (games["game_date"] < now - OVER) & day.isin(set(day[final]))]
    played = games.loc[final, ["season", "home", "away", "game_id", "game_date"]]
    played = played.rename(columns={"game_id": "played", "game_date": "played_at"})
    both = late.merge(played, on=["season", "home", "away"])
    both = both.assign(apart=(both["played_at"] - both["game_date"]).abs())
    near = both.loc[both["apart"] <= pd.Timedelta(days=MOVED_DAYS)].sort_values(["apart", "played"], kind="stable")
    return near.drop_duplicates("game_id").sort_values(["game_date", "game_id"], ignore_index=True)


def _warnings(found: pd.DataFrame, file: str) -> list[Finding]:
    said = "its day has results and this game none; these teams played on {:%Y-%m-%d} (game {}): it lands as postponed"
    return [
        Finding(
            file,
            1,
            "status",
            f"{away}@{home} {first:%Y-%m-%d %H:%MZ}",
            "not_played",
            said.format(then, played),
            Severity.WARNING,
        )
        for away, home, first, then, played in found[["away", "home", "game_date", "played_at", "played"]].itertuples(
            index=False
        )
    ]
