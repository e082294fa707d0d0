"""Import of quotes and closing lines: onto the stored games, with their sides and at their kick-offs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pandas as pd
from sqlalchemy import Connection

from aipro_ml.db.encode import identifiers
from aipro_ml.db.repositories import odds
from aipro_ml.identity import derive_id, derive_raw
from aipro_ml.jobs.ingest_games import Placed, turned_selection
from aipro_ml.sources.base import UTC_TIME, SourceBatch
from aipro_ml.sources.odds_api_feed import OddsApiBatch
from aipro_ml.sources.untimed import CLOSE_LEAD, OPEN_LEAD

UNTIMED_LEADS = (pd.Timedelta(CLOSE_LEAD), pd.Timedelta(OPEN_LEAD))
"""How long before a kick-off the prices of archives without times count as seen."""


def store_quotes(
    connection: Connection, batch: SourceBatch, placed: Placed, now: datetime, first_read: datetime | None
) -> odds.QuoteCount:
    """Append the batch's quotes to the games they landed on; return what was written.

    The same bytes again are no new observation: nothing in them was seen after they were `first_read`.
    """
    rows = _on_games(batch, batch.quotes, placed, "recorded_at")
    if first_read is not None:
        rows = rows.loc[rows["recorded_at"] < pd.Timestamp(first_read)]
    restated = _restated(connection, placed)
    rows = pd.concat([part for part in (rows, restated) if len(part)], ignore_index=True) if len(restated) else rows
    if rows.empty:
        return odds.QuoteCount(0, 0)
    quotes = rows[[*odds.SERIES_KEY, "price", "line", "recorded_at"]].reset_index(drop=True)
    quotes = quotes.assign(id=odds.quote_ids(quotes))
    return odds.save_quotes(connection, quotes.loc[~quotes["id"].duplicated()].reset_index(drop=True), now)


@dataclass(frozen=True)
class Stated:
    """Closing lines a source states: how many landed, how many stored ones moved with their kick-off, and all rows."""

    inserted: int
    moved: int
    rows: pd.DataFrame

    @property
    def written(self) -> int:
        """Return the rows written."""
        return self.inserted + self.moved

    def refused(self, connection: Connection) -> int:
        """Return how many of the stated closes are not what is stored."""
        return odds.differing_closes(connection, self.rows) if len(self.rows) else 0


def store_closing(connection: Connection, batch: SourceBatch, placed: Placed) -> Stated:
    """Store the batch's closing lines without a price on the games they landed on."""
    moved = odds.move_closing(connection, placed.refilled, CLOSE_LEAD)
    rows = _on_games(batch, batch.closing, placed, "closed_at")
    rows = rows[[*odds.SERIES_KEY, "closing_line", "closing_price", "closed_at"]].reset_index(drop=True)
    rows = rows.assign(id=_closing_ids(rows))
    return Stated(odds.save_closing(connection, rows) if len(rows) else 0, moved, rows)


def _closing_ids(rows: pd.DataFrame) -> pd.Series:
    """Return the identifiers of closing lines by their SERIES_KEY, on their index."""
    keys = [rows[name].cat.rename_categories(str) for name in ("game_id", "sportsbook_id")]
    return identifiers(derive_raw("closing_line", *keys, rows["market_type"], rows["selection"])).set_axis(rows.index)


def _on_games(batch: SourceBatch, frame: pd.DataFrame, placed: Placed, moment: str) -> pd.DataFrame:
    """Return the rows of games that landed, in columns of the tables, the sides turned where the game's are.

    Prices of archives without times stand a fixed while before the kick-off, so they go with the stored one.
    """
    rows = frame.loc[frame["game"].isin(placed.games.index)]
    games = placed.games.loc[rows["game"]].set_axis(rows.index) if len(rows) else placed.games.iloc[:0]
    found = rows.assign(
        game_id=_derived(rows["game"], lambda game: UUID(str(placed.games.at[game, "game_id"]))),
        sportsbook_id=_derived(rows["book"], lambda book: derive_id("sportsbook", book)),
        market_type=rows["market"],
        selection=turned_selection(rows["selection"], games["swapped"].astype(bool)),
    )
    if isinstance(batch, OddsApiBatch):
        return found
    lead = games["said"] - found[moment]
    shifted = found[moment] + (games["kickoff"] - games["said"])
    return found.assign(**{moment: found[moment].mask(lead.isin(UNTIMED_LEADS), shifted).astype(UTC_TIME)})


def _derived(names: pd.Series, derive: Callable[[str], UUID]) -> pd.Series:
    """Return the identifiers of `names` as a categorical: each is derived, and later encoded, once."""
    codes, words = pd.factorize(names)
    return pd.Series(pd.Categorical.from_codes(codes, categories=[derive(word) for word in words]), index=names.index)


def _restated(connection: Connection, placed: Placed) -> pd.DataFrame:
    """Return the stored quotes of archives whose game's kick-off became known, at that kick-off.

    They were seen "at the close": a minute before the hour that was only assumed says nothing.
    """
    if placed.refilled.empty:
        return pd.DataFrame()
    shift = placed.refilled.set_index("game_id")
    stored = odds.quotes_of(connection, list(shift.index))
    before = stored["game_id"].map(shift["before"]).astype(UTC_TIME)
    after = stored["game_id"].map(shift["after"]).astype(UTC_TIME)
    lead = before - stored["recorded_at"]
    ids = {name: stored[name].map(UUID) for name in ("game_id", "sportsbook_id")}
    return stored.assign(**ids, recorded_at=after - lead).loc[lead.isin(UNTIMED_LEADS)]
