"""Labels and the lines they are settled on: the reference side (home, over) at the decision time."""

import numpy as np
import pandas as pd

from aipro_ml.betting.settlement import TWO_WAY_RULES, MarketRule, SettlementRules, settle_scores
from aipro_ml.enums import REFERENCE_SIDE, BetType, Selection
from aipro_ml.features.history import History


def reference_lines(entities: pd.DataFrame, history: History, bet_type: BetType, market: pd.DataFrame) -> pd.Series:
    """Return the reference side's line at as_of a game, NaN where none is known and on moneylines.

    The consensus of the quotes known at as_of (`market`: a `market_frame`); where nobody quotes, the median
    of the closing lines already closed at as_of: an archive of lines without prices is still a line.
    """
    if bet_type is BetType.MONEYLINE:
        return pd.Series(np.nan, index=entities.index, name="line")
    rows = history.closing_before(entities, bet_type).astype({"game_id": object})
    closed = rows.groupby("game_id", sort=False)["closing_line"].median().reindex(entities.index)
    return market[f"{bet_type.value}_line"].fillna(closed).astype("float64").rename("line")


def labels(
    lines: pd.Series,
    history: History,
    bet_type: BetType,
    known_at: pd.Timestamp | None = None,
    rules: SettlementRules = TWO_WAY_RULES,
) -> pd.DataFrame:
    """Return `y`, `weight` and `points` on the index of `lines` (game_id), settled on each game's final version.

    `y`: 1.0 the reference side won at its line, 0.0 lost, 0.5 a draw that is an outcome of its own (three-way
    moneylines); NaN push, no line or not known yet. `weight`: the share of a stake that was decided, 0.5 where
    half of a quarter line's stake came back, else 1.0: only so is the mean of y what fair prices speak of, the
    chance of winning what is not returned. `points`: the home margin, on totals the points of both; NaN while open.
    With `known_at` only scores known by then, as they stand, count. Bet types of `rules.regulation` know no overtime.
    """
    results = history.results().set_index("game_id")
    if known_at is not None:
        results = results.loc[history.scored_at().reindex(results.index) <= known_at]
    scores = results[["home_score", "away_score"]].reindex(lines.index)
    longer = results["overtime"].reindex(lines.index, fill_value=False)
    home, away = rules.counted(bet_type, scores["home_score"], scores["away_score"], longer)
    rule = rules.moneyline
    points = home + away if bet_type is BetType.TOTAL else home - away
    if bet_type is BetType.MONEYLINE and rule is MarketRule.THREE_WAY:
        won, drawn = (
            settle_scores(bet_type, side, None, home, away, rule) for side in (Selection.HOME, Selection.DRAW)
        )
        y = np.where(drawn > 0, 0.5, np.where(won > 0, 1.0, np.where(won < 0, 0.0, np.nan)))
        return pd.DataFrame({"y": y, "weight": 1.0, "points": points}, index=lines.index)
    settled = settle_scores(bet_type, REFERENCE_SIDE[bet_type], lines.to_numpy("float64"), home, away, rule)
    y = np.where(settled > 0, 1.0, np.where(settled < 0, 0.0, np.nan))
    weight = np.where(np.abs(settled) == 0.5, 0.5, 1.0)
    return pd.DataFrame({"y": y, "weight": weight, "points": points}, index=lines.index)
