"""Graded predictions as the warehouse holds them: one flat row of `fact_bets` each."""

import pandas as pd
from sqlalchemy import Connection

from aipro_ml.features.sport import sport
from aipro_ml.identity import derive_ids
from aipro_ml.jobs.grading import grade_predictions

BET_COLUMNS = (
    "id",
    "prediction_id",
    "game_id",
    "model_id",
    "sportsbook_id",
    "bet_type",
    "side",
    "line",
    "price",
    "stake_units",
    "result",
    "profit_units",
    "closing_line",
    "closing_price",
    "clv_price",
    "clv_probability",
    "clv_points",
    "clv_ev",
    "placed_at",
    "graded_at",
    "created_at",
)
"""Columns of `fact_bets` a graded prediction has; `bet_id` and `user_id` belong to tracked bets."""

_NAMES = {
    "predicted_side": "side",
    "line_at_prediction": "line",
    "odds_at_prediction": "price",
    "actual_result": "result",
    "profit_loss": "profit_units",
    "clv": "clv_ev",
    "as_of": "placed_at",
}


def graded_bets(connection: Connection, code: str) -> pd.DataFrame:
    """Return BET_COLUMNS of every prediction of the sport whose grade is stored, one unit staked, in ledger order.

    What is not stored (`clv_price`, `clv_probability`, `clv_points`, the closing price) is computed as grading does.
    The id follows from the prediction's, and `created_at` is when it was graded, so the same grades give the same
    rows: upsert by `id`. A grade taken back has no row any more: remove those of `prediction_id`s that are not here.
    """
    graded = grade_predictions(connection, sport(code))
    if graded.grades.empty:
        return pd.DataFrame(columns=list(BET_COLUMNS))
    stored = graded.predictions[["prediction_id", "graded_at"]].dropna()
    rows = graded.rows.merge(stored, on="prediction_id", how="inner").rename(columns=_NAMES)
    return rows.assign(id=derive_ids("fact_bet", rows["prediction_id"]), stake_units=1.0, created_at=rows["graded_at"])[
        list(BET_COLUMNS)
    ]
