"""The board: one row a game and market with the consensus, and the best price and book of both sides."""

from collections.abc import Iterable

import pandas as pd

from aipro_ml.betting.consensus import best_prices, consensus
from aipro_ml.enums import OPPOSITE, REFERENCE_SIDE, BetType, DevigMethod, Selection

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
DRAW_COLUMNS = ("fair_draw", "draw_price", "draw_book")
"""What the board of a moneyline with a draw has besides."""


def market_boards(
    quotes: pd.DataFrame,
    bet_types: Iterable[BetType],
    devig: DevigMethod,
    *,
    three_way: bool = False,
    lines: pd.DataFrame | None = None,
) -> dict[BetType, pd.DataFrame]:
    """Return BOARD_COLUMNS of each bet type (three-way moneylines: DRAW_COLUMNS too), indexed by game_id.

    Games without a quote have no row.

    `quotes`: ODDS_COLUMNS of `features.records`, the latest a book and selection, already fresh. `line` and
    `fair` speak of the reference side; `fair` and a price are NaN where one side is not offered. `three_way`:
    the sport's moneyline has a draw. `lines`: the consensus of these quotes, where it is there already. One call for
    all games of many slates is far cheaper than one each: a game's row never depends on the games beside it.
    """
    if quotes.empty:
        nothing = pd.DataFrame(columns=list(BOARD_COLUMNS), index=pd.Index([], name="game_id", dtype=object))
        return dict.fromkeys(bet_types, nothing)
    lines = consensus(quotes, devig, three_way=three_way) if lines is None else lines
    best = best_prices(quotes, lines)
    drawn = BetType.MONEYLINE if three_way else None
    return {bet_type: _board(lines, best, bet_type, drawn=bet_type is drawn) for bet_type in bet_types}


def _board(lines: pd.DataFrame, best: pd.DataFrame, bet_type: BetType, *, drawn: bool) -> pd.DataFrame:
    board = lines.loc[lines["market"] == str(bet_type)].set_index("game_id")
    offered = best.loc[best["market"] == str(bet_type)]
    reference = REFERENCE_SIDE[bet_type]
    sides = {"reference": reference, "other": OPPOSITE[reference]}
    for name, side in (sides | ({"draw": Selection.DRAW} if drawn else {})).items():
        of_side = offered.loc[offered["selection"] == str(side)].set_index("game_id")
        board[f"{name}_price"] = of_side["price"].reindex(board.index)
        board[f"{name}_book"] = of_side["book"].reindex(board.index)
    return board[[*BOARD_COLUMNS, *(DRAW_COLUMNS if drawn else ())]]
