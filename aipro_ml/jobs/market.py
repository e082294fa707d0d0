"""The market's derived tables: closes, openings, movements and consensus lines, from odds and revisions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.config import SportConfig
from aipro_ml.db.encode import identifiers
from aipro_ml.db.repositories import market as repository
from aipro_ml.db.repositories import reference
from aipro_ml.features.sport import sport
from aipro_ml.identity import derive_ids, derive_raw
from aipro_ml.jobs.database import unit
from aipro_ml.market.closing import SIDE, before_kickoff, book_sides, closing_quotes, opening_quotes
from aipro_ml.market.consensus_rows import consensus_rows
from aipro_ml.market.movements import movements

GAMES_AT_ONCE = 1500
"""Games derived (and by a command committed) together: bounds memory, and what an interruption costs."""

OPENING, CLOSE, SNAPSHOT = "opening", "close", "as_of"
"""What a consensus line was taken for; it is part of its id."""


@dataclass(frozen=True)
class MarketCount:
    """Games looked at, and rows inserted or changed (`deleted`: taken away) of what is derived from odds."""

    games: int = 0
    closing_lines: int = 0
    fact_odds: int = 0
    odds_movements: int = 0
    consensus_lines: int = 0
    deleted: int = 0

    @property
    def written(self) -> int:
        """Return how many rows were touched at all: 0 where everything was up to date."""
        return self.closing_lines + self.fact_odds + self.odds_movements + self.consensus_lines + self.deleted

    def __add__(self, other: "MarketCount") -> "MarketCount":
        """Return both counts together."""
        return MarketCount(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def derive_markets(connection: Connection, sport_code: str, game_ids: Sequence[str], now: datetime) -> MarketCount:
    """Bring closing_lines, fact_odds, odds_movements and consensus_lines of these games to what odds say.

    Games that have not begun by `now` have no close. Rows that no longer follow from the odds are deleted;
    lines that an archive states without a price stay where no quote closed. Deriving again writes nothing,
    and deriving game by game as quotes come in leaves the same tables as deriving everything at the end.
    """
    config, total = sport(sport_code).config, MarketCount()
    wanted = list(dict.fromkeys(map(str, game_ids)))
    for start in range(0, len(wanted), GAMES_AT_ONCE):
        total += _derive(connection, config, wanted[start : start + GAMES_AT_ONCE], pd.Timestamp(now).as_unit("us"))
    return total


def derive_sport(
    engine: Engine,
    sport_code: str,
    now: datetime,
    *,
    rebuild: bool = False,
    on_step: Callable[[int, int], None] = lambda _done, _total: None,
) -> MarketCount:
    """Derive the games of a sport that need it (`rebuild`: all), a transaction for every GAMES_AT_ONCE.

    Interrupted, what was committed stands, and the next run goes on with the rest.
    """
    sport(sport_code)
    with engine.begin() as connection:
        reference.sport_id(connection, sport_code)
        wanted = repository.games_to_derive(connection, sport_code, now, everything=rebuild)
    total = MarketCount()
    for start in range(0, len(wanted), GAMES_AT_ONCE):
        with unit(engine) as connection:
            reference.lock_sport(connection, sport_code)
            total += derive_markets(connection, sport_code, wanted[start : start + GAMES_AT_ONCE], now)
        on_step(min(start + GAMES_AT_ONCE, len(wanted)), len(wanted))
    return total


def _derive(connection: Connection, config: SportConfig, game_ids: list[str], now: pd.Timestamp) -> MarketCount:
    quotes = repository.quotes_of(connection, game_ids)
    revisions = repository.revisions_of(connection, game_ids)
    stated = repository.stated_lines(connection, game_ids)
    sides = book_sides(quotes, revisions, now)
    rows = {
        "closing_lines": _closing_rows(sides),
        "fact_odds": _fact_rows(sides, stated),
        "odds_movements": _movement_rows(quotes.loc[before_kickoff(quotes, revisions)]),
        "consensus_lines": _consensus_rows(sides, repository.books(connection), config),
    }
    written, deleted = {}, 0
    for name, derived in rows.items():
        stored = repository.stored_keys(connection, name, game_ids)
        ids = _digits(derived["id"])
        stale = _stale(stored, ids)
        deleted += repository.delete_derived(connection, name, stale) if len(stale) else 0
        count = repository.save_derived(connection, name, derived, ~np.isin(ids, _digits(stored["id"])))
        written[name] = count.inserted + count.updated
    return MarketCount(games=len(game_ids), deleted=deleted, **written)


def _stale(stored: pd.DataFrame, ids: npt.NDArray[np.str_]) -> pd.Series:
    """Return the ids of stored rows that are not derived any more; consensus lines of a given as_of stay."""
    if stored.empty:
        return stored["id"]
    digits = _digits(stored["id"])
    gone = stored["is_derived"].astype(bool) & ~np.isin(digits, ids)
    if "calculated_at" in stored and gone.any():
        gone &= digits != _digits(_consensus_ids(stored, SNAPSHOT))
    return stored.loc[gone, "id"]


def _digits(ids: pd.Series) -> npt.NDArray[np.str_]:
    """Return identifiers (n,), given as bytes or as text, as 32 hexadecimal digits each."""
    return np.array([i.hex() if isinstance(i, bytes) else str(i).replace("-", "") for i in ids], dtype="U32")


def _keyed(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return the key columns of one side at one book, as the tables name them, with the row's id."""
    ids = identifiers(derive_raw(kind, *(frame[name] for name in SIDE)))
    named = frame[SIDE].rename(columns={"book": "sportsbook_id", "market": "market_type"})
    return named.assign(id=ids.set_axis(frame.index))


def _closing_rows(sides: pd.DataFrame) -> pd.DataFrame:
    closed = sides.loc[sides["closed_at"].notna()]
    return _keyed(closed, "closing_line").join(closed[["closing_line", "closing_price", "closed_at"]])


def _fact_rows(sides: pd.DataFrame, stated: pd.DataFrame) -> pd.DataFrame:
    """Return `fact_odds`: openings and closes; where no quote closed, the line an archive states."""
    said = sides.merge(stated, on=SIDE, how="outer", suffixes=("", "_stated"))
    open_ended = said["closed_at"].isna()
    for name in ("closing_line", "closed_at"):
        said[name] = said[name].where(~open_ended, said[f"{name}_stated"])
    said["quotes_count"] = said["quotes_count"].fillna(0).astype("int64")
    values = [name for name in sides.columns if name not in SIDE]
    return _keyed(said, "fact_odds").join(said[values])


def _movement_rows(quotes: pd.DataFrame) -> pd.DataFrame:
    moves = movements(quotes)
    ids = derive_ids("odds_movement", moves["game_id"], moves["book"], moves["market"], _iso(moves["detected_at"]))
    named = moves.rename(columns={"book": "sportsbook_id", "market": "market_type"})
    return named.assign(id=pd.Series(ids, index=moves.index, dtype=object))


def _consensus_rows(sides: pd.DataFrame, books: pd.DataFrame, config: SportConfig) -> pd.DataFrame:
    """Return the consensus at the close, and that of the opening moment."""
    names = books.set_index("book")["name"]
    named = sides.assign(book=sides["book"].map(names))
    moments = {CLOSE: closing_quotes(named), OPENING: opening_quotes(named)}
    # both in one pass: a consensus costs more by the call than by the row
    tagged = [quotes.assign(game_id=kind + ":" + quotes["game_id"]) for kind, quotes in moments.items() if len(quotes)]
    if not tagged:
        return stored_consensus(consensus_rows(moments[CLOSE], config), CLOSE)
    rows = consensus_rows(pd.concat(tagged, ignore_index=True), config)
    said = rows["game_id"].str.partition(":")
    rows = rows.assign(game_id=said[2])
    parts = [stored_consensus(rows.loc[said[0] == kind], kind) for kind in moments]
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def stored_consensus(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return CONSENSUS_ROW_COLUMNS as rows of `consensus_lines` taken for `kind`."""
    named = rows.rename(columns={"market": "market_type"}).reset_index(drop=True)
    return named.assign(id=_consensus_ids(named, kind))


def _consensus_ids(rows: pd.DataFrame, kind: str) -> pd.Series:
    columns = (rows["game_id"], rows["market_type"], _iso(rows["calculated_at"]))
    ids = derive_ids("consensus_line", [kind] * len(rows), *columns)
    return pd.Series([str(each) for each in ids], index=rows.index, dtype=object)


def _iso(moments: pd.Series) -> pd.Series:
    return moments.dt.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
