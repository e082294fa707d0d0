"""The market as known at each game's decision time: one consensus a market, laid out one row a game."""

import pandas as pd

from aipro_ml.betting.consensus import consensus, main_lines
from aipro_ml.config import SportConfig
from aipro_ml.enums import BetType
from aipro_ml.features.history import History

FIELDS = ("line", "fair", "fair_draw", "books_count", "overround", "dispersion")
DIGITS = 9


def current_market(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return the `market_frame` of the fresh quotes known at each game's as_of."""
    return _laid_out(fresh_consensus(entities, history, config), entities.index)


def fresh_consensus(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return the consensus of the fresh quotes known at each game's as_of, computed once a History."""
    decided = pd.util.hash_pandas_object(entities["as_of"]).to_numpy().tobytes()
    key = ("consensus", decided, config.quote_max_age_hours, config.devig, config.three_way)

    def agreed() -> pd.DataFrame:
        quotes = history.quotes(entities, config.quote_max_age_hours)
        return consensus(quotes, config.devig, three_way=config.three_way)

    return history.once(key, agreed)


def market_frame(quotes: pd.DataFrame, games: pd.Index, config: SportConfig) -> pd.DataFrame:
    """Return columns `<market>_<field>` (FIELDS of the consensus) for every game, NaN where nobody quotes.

    Margin and rule of the moneyline are the sport's. Rounded to 9 decimals: no feature hangs on the last bits
    of the iteration that removes the margin.
    """
    return _laid_out(consensus(quotes, config.devig, three_way=config.three_way), games)


def opening_frame(quotes: pd.DataFrame, games: pd.Index, config: SportConfig) -> pd.DataFrame:
    """Return of the `market_frame` of these quotes the moneyline's fields and the lines of spread and total.

    What the margin hides in spread and total is not looked for: their line hangs on no price's size.
    """
    moneyline = quotes["market"] == BetType.MONEYLINE.value
    frame = market_frame(quotes.loc[moneyline], games, config)
    lines = main_lines(quotes.loc[~moneyline])
    for kind in (BetType.SPREAD, BetType.TOTAL):
        own = lines.loc[lines["market"] == kind.value].set_index("game_id")["line"]
        frame[f"{kind.value}_line"] = own.reindex(games).astype("float64").round(DIGITS)
    kept = [name for name in frame if name.startswith(BetType.MONEYLINE.value) or name.endswith("_line")]
    return frame[kept]


def _laid_out(table: pd.DataFrame, games: pd.Index) -> pd.DataFrame:
    fields, market = (
        table.set_index("game_id")[list(FIELDS)].astype("float64").round(DIGITS),
        table["market"].to_numpy(),
    )
    parts = [fields.loc[market == kind.value].reindex(games).add_prefix(f"{kind.value}_") for kind in BetType]
    return pd.concat(parts, axis=1)
