"""Rows of `consensus_lines`: what the books together said of a game's markets at one moment."""

import pandas as pd

from aipro_ml.betting.books import is_average, is_maximum
from aipro_ml.betting.consensus import consensus
from aipro_ml.betting.odds import decimal_to_american
from aipro_ml.config import SportConfig

CONSENSUS_ROW_COLUMNS = ("game_id", "market", "consensus_line", "consensus_price", "books_count", "calculated_at")
_MARKET = ["game_id", "market"]


def consensus_rows(quotes: pd.DataFrame, config: SportConfig, at: pd.Timestamp | None = None) -> pd.DataFrame:
    """Return CONSENSUS_ROW_COLUMNS for quotes that stood together (QUOTE_COLUMNS of `closing`).

    `consensus_price` is the fair American price of the reference side (home, over) at the line, NaN where no
    book prices every side. `calculated_at` is `at`, by default the time of the market's last quote.
    """
    table = consensus(quotes, config.devig, three_way=config.three_way)
    last = quotes.groupby(_MARKET)["recorded_at"].max().rename("calculated_at")
    table = table.join(last, on=_MARKET)
    if at is not None:
        table["calculated_at"] = at
    price = decimal_to_american(1 / table["fair"].to_numpy("float64"))
    named = table.rename(columns={"line": "consensus_line"}).assign(consensus_price=price)
    return named[list(CONSENSUS_ROW_COLUMNS)]


def sharp_and_soft(quotes: pd.DataFrame, config: SportConfig) -> pd.DataFrame:
    """Return per (game_id, market) the consensus of all books beside that of the sharp and of the soft ones.

    `quotes` needs `is_sharp` too. Columns of `consensus`, and its line, fair and books_count as `sharp_…` and
    `soft_…`, missing where no such book quotes. Averages over books are neither.
    """
    table = consensus(quotes, config.devig, three_way=config.three_way)
    single = quotes.loc[~is_average(quotes["book"]) & ~is_maximum(quotes["book"])]
    sharp = single["is_sharp"].astype(bool)
    for name, part in (("sharp", single.loc[sharp]), ("soft", single.loc[~sharp])):
        own = consensus(part, config.devig, three_way=config.three_way).set_index(_MARKET)
        table = table.join(own[["line", "fair", "books_count"]].add_prefix(f"{name}_"), on=_MARKET)
    return table
