"""Quotes and closing lines: append-only history of what each book offered, and where it closed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from sqlalchemy import Connection, MetaData, select, text, update

from aipro_ml.db.copy import any_of, copy_rows, insert_new, read_frame
from aipro_ml.db.encode import identifiers
from aipro_ml.db.models.odds import ClosingLine, Odds
from aipro_ml.identity import derive_id, derive_raw_ids, name_head

SERIES_KEY = ("game_id", "sportsbook_id", "market_type", "selection")
_INCOMING = Odds.__table__.to_metadata(MetaData(), name="incoming_odds")
_STATED = ClosingLine.__table__.to_metadata(MetaData(), name="stated_closes")
_DIFFERING = text(
    """
    SELECT count(*) FROM stated_closes s LEFT JOIN closing_lines c USING (id)
    WHERE (c.closing_line, c.closing_price) IS DISTINCT FROM (s.closing_line, s.closing_price)
    """
)
_CORRECTED = text(
    """
    SELECT i.game_id, i.sportsbook_id, i.market_type, i.selection, i.price, i.line
    FROM incoming_odds i JOIN odds o USING (id)
    WHERE (o.price, o.line) IS DISTINCT FROM (i.price, i.line)
      AND NOT EXISTS (
        SELECT FROM odds later
        WHERE later.game_id = i.game_id AND later.sportsbook_id = i.sportsbook_id
          AND later.market_type = i.market_type AND later.selection = i.selection
          AND later.recorded_at > i.recorded_at
          AND (later.price, later.line) IS NOT DISTINCT FROM (i.price, i.line))
    """
)
_MARK_CURRENT = text(
    """
    WITH ranked AS (
      SELECT id, is_current, row_number() OVER (
        PARTITION BY game_id, sportsbook_id, market_type, selection ORDER BY recorded_at DESC, id) = 1 AS latest
      FROM odds WHERE game_id IN (SELECT DISTINCT game_id FROM incoming_odds))
    UPDATE odds SET is_current = ranked.latest FROM ranked
    WHERE ranked.id = odds.id AND odds.is_current IS DISTINCT FROM ranked.latest
    """
)


@dataclass(frozen=True)
class QuoteCount:
    """Quotes written: new ones, and corrections of stored ones (each a row of its own)."""

    inserted: int
    corrected: int


def quote_id(game_id: object, book_id: object, market: str, selection: str, recorded_at: object) -> object:
    """Return the identifier a quote has by its natural key."""
    return derive_id("odds", game_id, book_id, market, selection, recorded_at)


def quote_ids(rows: pd.DataFrame) -> pd.Series:
    """Return the identifiers of many quotes (columns of SERIES_KEY and recorded_at) on their index."""
    series = rows.groupby(list(SERIES_KEY), sort=False, observed=True).ngroup()
    firsts = rows.loc[~series.duplicated(), list(SERIES_KEY)]
    heads = np.array([name_head("odds", *key) for key in firsts.itertuples(index=False)], dtype=object)
    codes, moments = pd.factorize(rows["recorded_at"].dt.tz_convert("UTC").dt.tz_localize(None))
    texts = np.datetime_as_string(moments.to_numpy(), unit="us").tolist()
    ends = np.array([f"{text}+00:00".encode() for text in texts], dtype=object)
    raw = derive_raw_ids(heads[series.to_numpy()].tolist(), ends[codes].tolist())
    return identifiers(raw).set_axis(rows.index)


def save_quotes(connection: Connection, quotes: pd.DataFrame, now: datetime) -> QuoteCount:
    """Append quotes (columns of `odds` but is_current); a stored quote with another price is corrected.

    A corrected quote is a new row recorded `now`, because that is when it became known. Quotes of games that have
    none yet meet nothing and go straight in: whoever saves holds the sport's lock, so nobody else writes them.
    """
    latest = quotes.sort_values("recorded_at", kind="stable").drop_duplicates(list(SERIES_KEY), keep="last")
    rows = quotes.assign(is_current=quotes.index.isin(latest.index))
    if not quotes["id"].duplicated().any() and not _any_quoted(connection, quotes["game_id"].unique()):
        return QuoteCount(copy_rows(connection, Odds.__table__, rows), 0)
    connection.execute(text("DROP TABLE IF EXISTS incoming_odds"))
    connection.execute(text("CREATE TEMP TABLE incoming_odds (LIKE odds) ON COMMIT DROP"))
    copy_rows(connection, _INCOMING, rows)
    corrected = read_frame(connection, _CORRECTED)
    inserted = connection.execute(text("INSERT INTO odds SELECT * FROM incoming_odds ON CONFLICT DO NOTHING")).rowcount
    if len(corrected):
        insert_new(connection, Odds.__table__, _corrections(corrected, now))
    if inserted or len(corrected):
        connection.execute(_MARK_CURRENT)
    return QuoteCount(inserted, len(corrected))


def _any_quoted(connection: Connection, games: Iterable[object]) -> bool:
    statement = select(select(Odds.id).where(Odds.game_id == any_of(games)).exists())
    return bool(connection.execute(statement).scalar_one())


def _corrections(corrected: pd.DataFrame, now: datetime) -> pd.DataFrame:
    keys = zip(
        corrected["game_id"],
        corrected["sportsbook_id"],
        corrected["market_type"],
        corrected["selection"],
        strict=True,
    )
    moment = pd.Timestamp(now)
    ids = [quote_id(*key, moment.isoformat()) for key in keys]
    return corrected.assign(id=ids, recorded_at=moment, is_current=True)


def save_closing(connection: Connection, closing: pd.DataFrame) -> int:
    """Store closing lines that a source states without a price, of selections that have none; return how many.

    Closes with a price are derived from the quotes. A stored line stays: features of later games have read it.
    """
    return insert_new(connection, ClosingLine.__table__, closing.loc[closing["closing_price"].isna()])


def differing_closes(connection: Connection, closing: pd.DataFrame) -> int:
    """Return how many closes that a source states (columns of the table) are not the stored ones."""
    connection.execute(text("DROP TABLE IF EXISTS stated_closes"))
    connection.execute(text("CREATE TEMP TABLE stated_closes (LIKE closing_lines) ON COMMIT DROP"))
    copy_rows(connection, _STATED, closing)
    return int(connection.execute(_DIFFERING).scalar_one())


def quotes_of(connection: Connection, game_ids: list[str]) -> pd.DataFrame:
    """Return the quotes of games: the columns of `odds` that say who offered what and when."""
    row = Odds
    columns = (row.game_id, row.sportsbook_id, row.market_type, row.selection, row.price, row.line, row.recorded_at)
    return read_frame(connection, select(*columns).where(row.game_id == any_of(game_ids)))


def move_closing(connection: Connection, refilled: pd.DataFrame, lead: timedelta) -> int:
    """Move lines without a price to `lead` before the kick-off that became known; return how many.

    `refilled`: game_id, before and after.
    """
    count = 0
    for game, before, after in zip(refilled["game_id"], refilled["before"], refilled["after"], strict=True):
        unpriced = (ClosingLine.game_id == game) & ClosingLine.closing_price.is_(None)
        at_close = ClosingLine.closed_at == before - lead
        moved = update(ClosingLine).where(unpriced, at_close).values(closed_at=after - lead)
        count += connection.execute(moved).rowcount
    return count


def closing_of(connection: Connection, game_ids: list[str]) -> pd.DataFrame:
    """Return the closing lines of games as `features.records.CLOSING_COLUMNS` plus is_sharp."""
    statement = text(
        """
        SELECT c.game_id::text AS game_id, b.name AS book, b.is_sharp, c.market_type AS market, c.selection,
               c.closing_line, c.closing_price::float8 AS closing_price, c.closed_at
        FROM closing_lines c JOIN sportsbooks b ON b.id = c.sportsbook_id
        WHERE c.game_id = ANY(CAST(:games AS uuid[]))
        ORDER BY c.game_id, b.name, c.market_type, c.selection
        """
    )
    return read_frame(connection, statement.bindparams(games=game_ids))
