"""Revisions of games: what was known of each, and from when on, after an import of history or of a live feed."""

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from aipro_ml.db.repositories.games import revision_rows
from aipro_ml.enums import GameStatus
from aipro_ml.sources.base import UTC_TIME

SCHEDULE_LEAD = pd.Timedelta(days=7)
"""A season's schedule counts as known this long before its first kick-off, when the first lines open."""


@dataclass(frozen=True)
class Knowledge:
    """Whose import this is, how long the sport's games last, the zone of its days, and the moment of the import.

    `known_from`: when a live feed was fetched; None for an import of history.
    """

    source: str
    duration_minutes: int
    timezone: str
    now: datetime
    known_from: datetime | None

    @property
    def read_at(self) -> pd.Timestamp:
        """Return the moment of the import; what is read then is known then at the latest."""
        return pd.Timestamp(self.now).as_unit("us")

    def results_known(self, games: pd.DataFrame) -> pd.Series:
        """Return when the results of games (game_date, kickoff_estimated) were known, never before their kick-off.

        A game whose hour is not known may have been the day's last: its result counts from the end of that day on.
        """
        kickoff, lasts = games["game_date"], pd.Timedelta(minutes=self.duration_minutes)
        local = kickoff.dt.tz_convert(self.timezone)
        midnight = (local.dt.normalize() + pd.DateOffset(days=1)).dt.tz_convert("UTC")
        over = (kickoff + lasts).mask(games["kickoff_estimated"].fillna(False).astype(bool), midnight + lasts)
        return over.astype(UTC_TIME).clip(upper=self.read_at).clip(lower=kickoff)


def first_revisions(new: pd.DataFrame, moves: pd.DataFrame, history: Knowledge) -> pd.DataFrame:
    """Return what was known of new games: the schedule before the season, each move, the result after the game.

    A live batch (`known_from`) without moves gives one revision, known from then on.
    """
    if new.empty:
        return pd.DataFrame()
    told = moves.loc[moves["game_id"].isin(new["game_id"])]
    known_from = history.known_from
    if known_from is not None and told.empty:
        return numbered(new.assign(known_at=pd.Timestamp(known_from)), history, {})
    planned = _planned(new)
    opening = new.groupby("season")["game_date"].min() - SCHEDULE_LEAD
    known = planned["season"].map(opening).astype(UTC_TIME).clip(upper=history.read_at)
    if known_from is not None:
        known = pd.Series(pd.Timestamp(known_from).as_unit("us"), index=planned.index)
    scheduled = planned.assign(known_at=known).loc[~planned["game_id"].isin(told["game_id"])]
    moved = _moved(told, planned)
    done = new.loc[new["status"] != GameStatus.SCHEDULED]
    done = done.assign(known_at=history.results_known(done))
    return numbered(pd.concat([part for part in (scheduled, moved, done) if len(part)]), history, {})


def applicable(moves: pd.DataFrame, known: pd.DataFrame, stored: pd.DataFrame, source: str) -> pd.DataFrame:
    """Return the moves that tell something new of stored games: another kick-off than was known at that time.

    A finished game whose kick-off another source knows is not moved; a game that was over by then neither.
    """
    mine = stored["kickoff_by"].eq(source) | stored["kickoff_estimated"].fillna(False).astype(bool)
    mine |= stored["status"] != GameStatus.FINAL
    told = moves.loc[moves["game_id"].isin(stored.loc[mine, "game_id"])]
    if told.empty:
        return told
    final = known.loc[known["status"] == GameStatus.FINAL].groupby("game_id")["known_at"].min()
    over = told["game_id"].map(final).astype(UTC_TIME)
    told = told.loc[~(told["known_at"] >= over)].sort_values("known_at")
    states = known.sort_values("known_at", kind="stable")[["game_id", "known_at", "game_date", "kickoff_estimated"]]
    told = told.assign(game_id=told["game_id"].astype(object), known_at=told["known_at"].astype(UTC_TIME))
    then = pd.merge_asof(told, states.assign(game_id=states["game_id"].astype(object)), on="known_at", by="game_id")
    same = (then["game_date"] == then["kickoff"]) & ~then["kickoff_estimated"].fillna(True).astype(bool)
    return then.loc[~same, ["game_id", "kickoff", "known_at"]]


def with_last_kickoff(old: pd.DataFrame, moved: pd.DataFrame, known: pd.DataFrame, source: str) -> pd.DataFrame:
    """Return the games with the kick-off that was known last, by these moves or by what the source said before."""
    if moved.empty:
        return old
    mine = known.loc[(known["source"] == source) & (known["status"] == GameStatus.SCHEDULED)]
    said = mine.rename(columns={"game_date": "kickoff"})[["game_id", "kickoff", "known_at"]]
    every = pd.concat([said, moved]).sort_values("known_at", kind="stable").drop_duplicates("game_id", keep="last")
    last = old["game_id"].map(every.set_index("game_id")["kickoff"]).astype(UTC_TIME)
    timed = old["game_id"].isin(moved["game_id"])
    return old.assign(
        game_date=old["game_date"].mask(timed, last), kickoff_estimated=old["kickoff_estimated"].mask(timed, False)
    )


def later_revisions(
    facts: pd.DataFrame,
    changed: pd.DataFrame,
    stored: pd.DataFrame,
    moved: pd.DataFrame,
    known: pd.DataFrame,
    history: Knowledge,
) -> pd.DataFrame:
    """Return the revisions that stored games get: one a move, and one for what else changed.

    What is learnt of a game that was followed before it began, and every correction, is known from the import
    on. A game that was itself imported as history gets its result when it was over, and the rest with it.
    """
    final = stored["status"] == GameStatus.FINAL
    others = changed.drop(columns="kickoff").any(axis=1)
    timed = facts["game_id"].isin(moved["game_id"])
    needed = others | (changed["kickoff"] & ~timed) | (timed & final & _kickoff_differs(facts, stored))
    now = pd.Timestamp(history.known_from or history.now).as_unit("us")
    known_at = pd.Series(now, index=facts.index).astype(UTC_TIME)
    last = stored["known_at"].astype(UTC_TIME)
    begun = known.groupby("game_id")["created_at"].min()
    archived = facts["game_id"].map(begun).astype(UTC_TIME) >= stored["game_date"]
    archived &= ~final & (history.known_from is None)
    over = history.results_known(facts).where(facts["status"] == GameStatus.FINAL, last)
    known_at = known_at.mask(archived, over.where(over > last, last).clip(upper=history.read_at))
    rows = [_moved(moved, _planned(facts)), facts.assign(known_at=known_at).loc[needed]]
    rows = [part for part in rows if len(part)]
    numbers = known.groupby("game_id")["revision"].max().to_dict()
    return numbered(pd.concat(rows), history, numbers) if rows else pd.DataFrame({"game_id": []})


def _kickoff_differs(facts: pd.DataFrame, stored: pd.DataFrame) -> pd.Series:
    return facts["game_date"].ne(stored["game_date"]) | facts["kickoff_estimated"].ne(stored["kickoff_estimated"])


def _planned(games: pd.DataFrame) -> pd.DataFrame:
    """Return games as they were before they were played."""
    unknown = pd.Series(pd.NA, index=games.index, dtype="Int64")
    played = pd.Series(False, index=games.index, dtype="boolean")
    scheduled = pd.Series(GameStatus.SCHEDULED.value, index=games.index, dtype="string")
    return games.assign(status=scheduled, home_score=unknown, away_score=unknown, overtime=played)


def _moved(moves: pd.DataFrame, planned: pd.DataFrame) -> pd.DataFrame:
    """Return one row a move: the game as planned, at the kick-off then said."""
    if moves.empty:
        return planned.iloc[:0].assign(known_at=pd.Series([], dtype=UTC_TIME))
    facts = planned.drop(columns=["game_date", "kickoff_estimated"])
    rows = moves.rename(columns={"kickoff": "game_date"}).merge(facts.drop(columns="kickoff"), on="game_id")
    return rows.assign(kickoff_estimated=False)


def numbered(games: pd.DataFrame, history: Knowledge, numbers: dict[str, int]) -> pd.DataFrame:
    """Return rows of `game_revisions`, numbered within their game after `numbers`."""
    ordered = games.assign(known_at=games["known_at"].astype(UTC_TIME)).reset_index(drop=True)
    before = ordered["game_id"].map(numbers).fillna(0).astype(int)
    return revision_rows(
        ordered.assign(id=ordered["game_id"]),
        source=history.source,
        known_at=ordered["known_at"],
        number=ordered.groupby("game_id").cumcount() + 1 + before,
        now=history.now,
    )
