"""Market: the books' fair view at the decision time, how it moved since opening, and how sure it is."""

import numpy as np
import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.enums import BetType
from aipro_ml.features.history import History
from aipro_ml.features.market import current_market, market_frame, opening_frame
from aipro_ml.features.view import FeatureView

DRAWS = ("market_draw_prob", "open_move_draw")
COLUMNS = (
    "market_prob",
    "market_logit",
    "market_spread",
    "market_total",
    "spread_price_logit",
    "total_price_logit",
    "market_overround",
    "market_dispersion",
    "market_books",
    "market_home_points",
    "market_away_points",
    "open_move_logit",
    "open_move_spread",
    "open_move_total",
    "market_moves",
    "market_move_age_hours",
    "sharp_minus_consensus",
    *DRAWS,
)


def _logit(probability: pd.Series) -> pd.Series:
    return (np.log(probability) - np.log1p(-probability)).round(9)


def compute(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return COLUMNS; missing where no fresh two-sided quote is known.

    Spread is the home side's line (negative: favoured). Moves are now minus opening. `sharp_minus_consensus`
    is in probability, missing without a sharp book.
    """
    quotes = history.quotes(entities, config.quote_max_age_hours)
    now = current_market(entities, history, config)
    opening = opening_frame(history.opening(entities), entities.index, config)
    said = quotes["is_sharp"] & (quotes["market"] == BetType.MONEYLINE.value)  # nothing else of them is a feature
    sharp = market_frame(quotes.loc[said], entities.index, config)
    moves = history.movements(entities)
    logit = _logit(now["moneyline_fair"])
    return pd.DataFrame(
        {
            "market_prob": now["moneyline_fair"],
            "market_logit": logit,
            "market_spread": now["spread_line"],
            "market_total": now["total_line"],
            "spread_price_logit": _logit(now["spread_fair"]),
            "total_price_logit": _logit(now["total_fair"]),
            "market_overround": now["moneyline_overround"],
            "market_dispersion": now["moneyline_dispersion"],
            "market_books": now["moneyline_books_count"],
            "market_home_points": (now["total_line"] - now["spread_line"]) / 2,
            "market_away_points": (now["total_line"] + now["spread_line"]) / 2,
            "open_move_logit": logit - _logit(opening["moneyline_fair"]),
            "open_move_spread": now["spread_line"] - opening["spread_line"],
            "open_move_total": now["total_line"] - opening["total_line"],
            "market_moves": moves["moves"].astype("float64"),
            "market_move_age_hours": (entities["as_of"] - moves["moved_at"]) / pd.Timedelta(hours=1),
            "sharp_minus_consensus": sharp["moneyline_fair"] - now["moneyline_fair"],
            "market_draw_prob": now["moneyline_fair_draw"],
            "open_move_draw": now["moneyline_fair_draw"] - opening["moneyline_fair_draw"],
        },
        index=entities.index,
    )


THREE_WAY = FeatureView("market", COLUMNS, compute, group="market")
VIEW = THREE_WAY.without(*DRAWS)
