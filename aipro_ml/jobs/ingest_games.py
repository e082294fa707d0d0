"""Import of games: new ones with the history of what was known of them, changed ones as a revision from now on."""

from datetime import datetime

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from aipro_ml.db.repositories import games as games_repository
from aipro_ml.enums import GameStatus
from aipro_ml.features.sport import Sport
from aipro_ml.identity import derive_id
from aipro_ml.sources.base import SourceBatch

SCHEDULE_LEAD = pd.Timedelta(days=7)
"""A season's schedule counts as known this long before its first kick-off, when the first lines open."""


def store_games(connection: Connection, batch: SourceBatch, league: Sport, now: datetime) -> games_repository.GameCount:
    """Insert new games with their history of knowledge; update changed ones, known from this import on."""
    if batch.games.empty:
        return games_repository.GameCount(0, 0, 0)
    code = league.code
    games = batch.games.assign(
        id=[str(derive_id("game", code, game)) for game in batch.games["game"]],
        game_date=batch.games["kickoff"],
        venue_id=[None if pd.isna(venue) else str(derive_id("venue", venue)) for venue in batch.games["venue"]],
    )
    stored = games_repository.present(connection, list(games["id"])).set_index("id")
    is_new = ~games["id"].isin(stored.index)
    new, old = games[is_new], games[~is_new]
    changed = old[_differs(old, stored)]
    revisions = [
        *_first_revisions(new, batch, league, now),
        games_repository.revision_rows(
            changed,
            source=batch.source,
            known_at=pd.Series(pd.Timestamp(batch.known_from or now), index=changed.index),
            number=stored["revision"].reindex(changed["id"]).fillna(0).astype(int).add(1).set_axis(changed.index),
            now=now,
        ),
    ]
    rows = _game_rows(pd.concat([new, changed]), code, now)
    return games_repository.save_games(connection, rows, revisions)


def _differs(games: pd.DataFrame, stored: pd.DataFrame) -> pd.Series:
    before = stored.reindex(games["id"])
    differs = np.zeros(len(games), dtype=bool)
    for name in (*games_repository.STATE, *games_repository.SETTING):
        left, right = games[name].reset_index(drop=True), before[name].reset_index(drop=True)
        same = (left == right).fillna(False).astype(bool) | (left.isna() & right.isna())
        differs |= ~same.to_numpy()
    return pd.Series(differs, index=games.index)


def _first_revisions(new: pd.DataFrame, batch: SourceBatch, league: Sport, now: datetime) -> list[pd.DataFrame]:
    """Return what was known of new games: the schedule before the season, the result after the game.

    A live batch (`known_from`) gives one revision, known from then on.
    """
    numbered = pd.Series(1, index=new.index)
    if batch.known_from is not None:
        known = pd.Series(pd.Timestamp(batch.known_from), index=new.index)
        return [games_repository.revision_rows(new, source=batch.source, known_at=known, number=numbered, now=now)]
    planned = new.assign(status=GameStatus.SCHEDULED.value, home_score=pd.NA, away_score=pd.NA, overtime=False)
    opening = batch.games.groupby("season")["kickoff"].min() - SCHEDULE_LEAD
    # what is read now is known now: a later time would rank a correction before what it corrects
    read_at = pd.Timestamp(now).as_unit("us")
    known = new["season"].map(opening).astype(new["kickoff"].dtype).clip(upper=read_at)
    first = games_repository.revision_rows(planned, source=batch.source, known_at=known, number=numbered, now=now)
    done = new[new["status"] != GameStatus.SCHEDULED]
    after = done["kickoff"] + pd.Timedelta(minutes=league.config.duration_minutes)
    after = after.clip(upper=read_at).clip(lower=done["kickoff"])
    second = games_repository.revision_rows(
        done, source=batch.source, known_at=after, number=pd.Series(2, index=done.index), now=now
    )
    return [first, second]


def _game_rows(games: pd.DataFrame, code: str, now: datetime) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": games["id"],
            "sport_id": derive_id("sport", code),
            "season_id": [derive_id("season", code, int(season)) for season in games["season"]],
            "external_id": games["external_id"],
            "home_team_id": [derive_id("team", code, team) for team in games["home"]],
            "away_team_id": [derive_id("team", code, team) for team in games["away"]],
            **{name: games[name] for name in games_repository.STATE},
            "created_at": pd.Timestamp(now),
            "updated_at": pd.Timestamp(now),
        }
    )
