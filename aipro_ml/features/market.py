"""The market as known at each game's decision time: one consensus a market, laid out one row a game."""

import pandas as pd

from aipro_ml.betting.consensus import consensus
from aipro_ml.config import SportConfig
from aipro_ml.enums import BetType

FIELDS = ("line", "fair", "fair_draw", "books_count", "overround", "dispersion")
DIGITS = 9


def market_frame(quotes: pd.DataFrame, games: pd.Index, config: SportConfig) -> pd.DataFrame:
    """Return columns `<market>_<field>` (FIELDS of the consensus) for every game, NaN where nobody quotes.

    Margin and rule of the moneyline are the sport's. Rounded to 9 decimals: no feature hangs on the last bits
    of the iteration that removes the margin.
    """
    table = consensus(quotes, config.devig, three_way=config.three_way)
    table = table.set_index(["game_id", "market"])[list(FIELDS)].astype("float64").round(DIGITS)
    parts = []
    for bet_type in BetType:
        rows = pd.MultiIndex.from_product([games, [bet_type.value]])
        parts.append(table.reindex(rows).set_axis(games, axis=0).add_prefix(f"{bet_type.value}_"))
    return pd.concat(parts, axis=1)
