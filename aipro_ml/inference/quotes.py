"""The board: one row a game and market with the consensus, and the best price and book of both sides."""

import pandas as pd

from aipro_ml.betting.consensus import best_prices, consensus
from aipro_ml.enums import OPPOSITE, REFERENCE_SIDE, BetType, DevigMethod

BOARD_COLUMNS = (
    "line",
    "fair",
    "books_count",
    "suspect",
    "reference_price",
    "reference_book",
    "other_price",
    "other_book",
)


def market_board(quotes: pd.DataFrame, bet_type: BetType, devig: DevigMethod) -> pd.DataFrame:
    """Return BOARD_COLUMNS of one bet type, indexed by game_id; games without a quote have no row.

    `quotes`: ODDS_COLUMNS of `features.records`, the latest a book and selection, already fresh. `line` and
    `fair` speak of the reference side; `fair` and a price are NaN where one side is not offered.
    """
    rows = quotes.loc[quotes["market"] == str(bet_type)]
    if rows.empty:
        return pd.DataFrame(columns=list(BOARD_COLUMNS), index=pd.Index([], name="game_id", dtype=object))
    market = consensus(rows, devig)
    best = best_prices(rows, market)
    board = market.set_index("game_id")
    reference = REFERENCE_SIDE[bet_type]
    for side, name in ((reference, "reference"), (OPPOSITE[reference], "other")):
        offered = best.loc[best["selection"] == str(side)].set_index("game_id")
        board[f"{name}_price"] = offered["price"].reindex(board.index)
        board[f"{name}_book"] = offered["book"].reindex(board.index)
    return board[list(BOARD_COLUMNS)]
