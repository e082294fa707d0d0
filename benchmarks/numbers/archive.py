"""Archives of real games read by the product's importers, and the facts they amount to without a database."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from aipro_ml.enums import GameStatus
from aipro_ml.features import records as known
from aipro_ml.features.records import Records, frame_of, no_rows
from aipro_ml.features.sport import Sport
from aipro_ml.sources.base import SourceBatch
from aipro_ml.sources.franchises import franchises, venues
from aipro_ml.sources.registry import source

SCHEDULE_LEAD = pd.Timedelta(days=7)
"""As an import of history has it (docs/decisions.md): the schedule a week before the season, results after a game."""


def read(name: str, paths: Iterable[Path], sport: str = "") -> SourceBatch:
    """Return what the source `name` says in these files."""
    return source(name).read({path.name: path.read_bytes() for path in paths}, sport)


def records_of(league: Sport, games: Sequence[SourceBatch], prices: Sequence[SourceBatch] = ()) -> Records:
    """Return the facts of the games in `games`, priced by all batches; games only `prices` know are left out."""
    batches = [*games, *prices]
    table = pd.concat([batch.games for batch in games], ignore_index=True).drop_duplicates("game")
    return Records(
        games=_revisions(table, league),
        odds=_odds(batches, table["game"]),
        closing=_closing(batches, table["game"]),
        teams=_teams(batches),
        venues=_venues(batches),
        team_stats=no_rows(known.TEAM_STAT_COLUMNS),
        alignments=_alignments(league.code),
        grounds=_grounds(league.code),
    )


def _revisions(table: pd.DataFrame, league: Sport) -> pd.DataFrame:
    """Return two revisions a finished game: its schedule before the season, its result after it."""
    opening = table.groupby("season")["kickoff"].transform("min") - SCHEDULE_LEAD
    over = table["kickoff"] + pd.Timedelta(minutes=league.config.duration_minutes)
    planned = table.assign(is_final=False, known_at=opening)
    done = table.assign(is_final=True, known_at=over).loc[table["status"] == GameStatus.FINAL.value]
    both = pd.concat([planned, done], ignore_index=True)
    scores = {name: both[name].astype("float64").where(both["is_final"]) for name in ("home_score", "away_score")}
    rows = both.assign(
        **scores,
        game_id=both["game"],
        home_team_id=both["home"],
        away_team_id=both["away"],
        venue_id=both["venue"].fillna(""),
        neutral_site=both["neutral_site"].fillna(False),
        overtime=both["overtime"].fillna(False) & both["is_final"],
        revision=both["is_final"].astype("int64") + 1,
        status=np.where(both["is_final"], GameStatus.FINAL.value, GameStatus.SCHEDULED.value),
    )
    return frame_of(rows, known.REVISION_COLUMNS)


def _odds(batches: Sequence[SourceBatch], games: pd.Series) -> pd.DataFrame:
    sharp = {book.name for batch in batches for book in batch.books if book.is_sharp}
    quotes = pd.concat([batch.quotes for batch in batches], ignore_index=True)
    quotes = quotes.loc[quotes["game"].isin(games)]
    rows = quotes.rename(columns={"game": "game_id"}).assign(is_sharp=quotes["book"].isin(sharp))
    return frame_of(rows, known.ODDS_COLUMNS)


def _closing(batches: Sequence[SourceBatch], games: pd.Series) -> pd.DataFrame:
    rows = pd.concat([batch.closing for batch in batches], ignore_index=True)
    rows = rows.loc[rows["game"].isin(games)].rename(columns={"game": "game_id"})
    return frame_of(rows, known.CLOSING_COLUMNS)


def _teams(batches: Sequence[SourceBatch]) -> pd.DataFrame:
    teams = pd.concat([batch.teams for batch in batches], ignore_index=True).drop_duplicates("team")
    return frame_of(teams.rename(columns={"team": "team_id"}).fillna(""), known.TEAM_COLUMNS)


def _venues(batches: Sequence[SourceBatch]) -> pd.DataFrame:
    places = pd.concat([batch.venues for batch in batches], ignore_index=True).drop_duplicates("venue")
    places = places.rename(columns={"venue": "venue_id"})
    return frame_of(places.assign(timezone=places["timezone"].fillna("")), known.VENUE_COLUMNS)


def _alignments(code: str) -> pd.DataFrame:
    return frame_of(franchises(code).alignments().rename(columns={"team": "team_id"}), known.ALIGNMENT_COLUMNS)


def _grounds(code: str) -> pd.DataFrame:
    names = {"venue": "venue_id", "since": "known_at"}
    return frame_of(venues(code).grounds().rename(columns=names), known.GROUND_COLUMNS)
