"""The market as known at each game's decision time: one consensus a market, laid out one row a game."""

import pandas as pd

from aipro_ml.betting.consensus import consensus
from aipro_ml.config import SportConfig
from aipro_ml.enums import BetType
from aipro_ml.features.history import History

FIELDS = ("line", "fair", "fair_draw", "books_count", "overround", "dispersion")
DIGITS = 9


def current_market(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return the `market_frame` of the fresh quotes known at each game's as_of, computed once a History."""
    decided = pd.util.hash_pandas_object(entities["as_of"]).to_numpy().tobytes()
    key = ("market", decided, config.quote_max_age_hours, config.devig, config.three_way)

    def market() -> pd.DataFrame:
        return market_frame(history.quotes(entities, config.quote_max_age_hours), entities.index, config)

    return history.once(key, market)


def market_frame(quotes: pd.DataFrame, games: pd.Index, config: SportConfig) -> pd.DataFrame:
    """Return columns `<market>_<field>` (FIELDS of the consensus) for every game, NaN where nobody quotes.

    Margin and rule of the moneyline are the sport's. Rounded to 9 decimals: no feature hangs on the last bits
    of the iteration that removes the margin.
    """
    table = consensus(quotes, config.devig, three_way=config.three_way)
    fields, market = (
        table.set_index("game_id")[list(FIELDS)].astype("float64").round(DIGITS),
        table["market"].to_numpy(),
    )
    parts = [fields.loc[market == kind.value].reindex(games).add_prefix(f"{kind.value}_") for kind in BetType]
    return pd.concat(parts, axis=1)
