"""Labels and the lines they are settled on: the reference side (home, over) at the decision time."""

import numpy as np
import pandas as pd

from aipro_ml.betting.settlement import settle_reference
from aipro_ml.enums import REFERENCE_SIDE, BetType
from aipro_ml.features.history import History


def reference_lines(entities: pd.DataFrame, history: History, bet_type: BetType, market: pd.DataFrame) -> pd.Series:
    """Return the reference side's line at as_of a game, NaN where none is known and on moneylines.

    The consensus of the quotes known at as_of (`market`: a `market_frame`); where nobody quotes, the median
    of the closing lines already closed at as_of: an archive of lines without prices is still a line.
    """
    if bet_type is BetType.MONEYLINE:
        return pd.Series(np.nan, index=entities.index, name="line")
    closing = history.closing_before(entities)
    side = REFERENCE_SIDE[bet_type].value
    rows = closing.loc[(closing["market"] == bet_type.value) & (closing["selection"] == side)]
    closed = rows.groupby("game_id")["closing_line"].median().reindex(entities.index)
    return market[f"{bet_type.value}_line"].fillna(closed).astype("float64").rename("line")


def labels(lines: pd.Series, history: History, bet_type: BetType, known_at: pd.Timestamp | None = None) -> pd.Series:
    """Return 1.0 the reference side won at its line, 0.0 lost, NaN push, no line or not known yet.

    `lines` is indexed by game_id. The truth is each game's final version in `history`; with `known_at` only
    results known by then count.
    """
    results = history.results().set_index("game_id")
    if known_at is not None:
        results = results.loc[results["known_at"] <= known_at]
    scores = results[["home_score", "away_score"]].reindex(lines.index)
    won = settle_reference(
        bet_type, lines.to_numpy("float64"), scores["home_score"].to_numpy(), scores["away_score"].to_numpy()
    )
    return pd.Series(won, index=lines.index, name="y")
