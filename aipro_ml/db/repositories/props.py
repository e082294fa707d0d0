"""Markets of player props in `fact_player_props`: a row each time a price was seen to differ from the one before."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, func, select, text

from aipro_ml.db.copy import any_of, insert_new, read_frame
from aipro_ml.db.models.sports import Player
from aipro_ml.db.models.warehouse import FactPlayerProp
from aipro_ml.identity import derive_id, derive_ids

MARKET = ["game_id", "player_id", "prop_type", "line", "sportsbook_id"]
PRICES = ["over_price", "under_price"]
_PRICES = text(
    """
    SELECT f.game_id::text AS game_id, f.player_id::text AS player_id, f.prop_type AS prop, f.line, b.name AS book,
           f.over_price::float8 AS over_price, f.under_price::float8 AS under_price, f.as_of
    FROM fact_player_props f JOIN games g ON g.id = f.game_id JOIN sportsbooks b ON b.id = f.sportsbook_id
    WHERE g.sport_id = :sport AND f.prediction_hash IS NULL
    ORDER BY f.as_of, f.id
    """
)


@dataclass(frozen=True)
class PropCount:
    """Markets written, and which of those given (by index label) have other prices stored for the same moment."""

    inserted: int
    differing: pd.Index


def save_props(connection: Connection, rows: pd.DataFrame, now: datetime, *, seen_before: bool) -> PropCount:
    """Store markets (MARKET, PRICES, as_of; unique in MARKET) that are new or have other prices than the latest stored.

    Prices that differ and are not from later than the stored ones do not land: what was known then stays. Nor do those
    of bytes `seen_before`, which are no news.
    """
    if rows.empty:
        return PropCount(0, rows.index)
    rows = rows.assign(**{name: rows[name].astype(str) for name in ("game_id", "player_id", "sportsbook_id")})
    stored = _latest(connection, rows["game_id"].unique().tolist())
    both = rows[[*MARKET, *PRICES, "as_of"]].merge(stored, on=MARKET, how="left", suffixes=("", "_stored"))
    both.index = rows.index
    is_new = both["as_of_stored"].isna()
    same = pd.Series(True, index=rows.index)
    for name in PRICES:
        mine, theirs = (both[each].astype("Float64").fillna(0) for each in (name, f"{name}_stored"))
        same &= mine.eq(theirs)
    moved = ~is_new & ~same & (both["as_of"] > both["as_of_stored"]) & (not seen_before)
    news = rows.loc[is_new | moved]
    ids = derive_ids("fact_player_prop", *(news[name] for name in (*MARKET, "as_of")))
    told = news.assign(id=ids, created_at=pd.Timestamp(now))
    inserted = insert_new(connection, FactPlayerProp.__table__, told)
    return PropCount(inserted, rows.index[~is_new & ~same & ~moved])


def _latest(connection: Connection, games: list[str]) -> pd.DataFrame:
    """Return the latest prices stored of each market of the games that was not derived from a prediction."""
    row = FactPlayerProp
    columns = [getattr(row, name) for name in (*MARKET, *PRICES, "as_of")]
    statement = select(*columns).where(row.game_id == any_of(games), row.prediction_hash.is_(None))
    frame = read_frame(connection, statement.order_by(row.as_of)).drop_duplicates(MARKET, keep="last")
    types = dict.fromkeys(("game_id", "player_id", "sportsbook_id", "prop_type"), "object")
    return frame.astype({**types, "line": "float64", "as_of": "datetime64[us, UTC]"})


def stored_prices(connection: Connection, code: str) -> pd.DataFrame:
    """Return every price seen of the sport's players; rows that were derived from a prediction are none.

    Columns: game_id, player_id, prop, line, book (its name), over_price, under_price (NaN: none), as_of.
    """
    return read_frame(connection, _PRICES.bindparams(sport=derive_id("sport", code)))


def named_players(connection: Connection, ids: Iterable[object]) -> pd.DataFrame:
    """Return name and position ("" where nobody says) of these players, by player_id."""
    row = Player
    statement = select(row.id.label("player_id"), row.name, func.coalesce(row.position, "").label("position"))
    frame = read_frame(connection, statement.where(row.id == any_of(ids)).order_by(row.id))
    return frame.astype({"player_id": "object"}).set_index("player_id")
