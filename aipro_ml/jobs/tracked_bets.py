"""Settled bets of users as the warehouse holds them: one flat row of `fact_bets` each."""

import pandas as pd
from sqlalchemy import Connection

from aipro_ml.db.repositories import bets
from aipro_ml.identity import derive_ids
from aipro_ml.jobs.graded_bets import BET_COLUMNS
from aipro_ml.jobs.grading import grade_at_odds

TRACKED_COLUMNS = ("bet_id", "user_id", *BET_COLUMNS)
_CLOSE = ("closing_line", "closing_price", "clv_price", "clv_probability", "clv_points")


def tracked_bets(connection: Connection) -> pd.DataFrame:
    """Return TRACKED_COLUMNS of every settled bet, in the order they were placed.

    A unit is one percent of the balance the stake was taken from, so that bankrolls of any size and currency add up.
    The close and closing line value are those of the prediction at the price this bet took; a void bet has none.
    `prediction_id` stays empty: the prediction has a row of its own.
    """
    found = bets.settled(connection)
    if found.empty:
        return pd.DataFrame(columns=list(TRACKED_COLUMNS))
    taken = found[["sport", "bet_id", "prediction_id", "odds"]]
    parts = [grade_at_odds(connection, str(code), part) for code, part in taken.groupby("sport", sort=True)]
    closes = pd.concat([part[["bet_id", *_CLOSE, "clv"]] for part in parts], ignore_index=True)
    rows = found.merge(closes, on="bet_id", how="left")
    units = 100 * rows["stake"].astype("float64") / rows["held"].astype("float64")
    returned = rows["profit"].astype("float64") / rows["stake"].astype("float64")
    shown = rows.rename(columns={"odds": "price", "clv": "clv_ev", "settled_at": "graded_at"})
    return shown.assign(
        id=derive_ids("fact_bet", rows["bet_id"]),
        prediction_id=None,
        stake_units=units.round(6),
        profit_units=(units * returned).round(6),
        created_at=shown["graded_at"],
    )[list(TRACKED_COLUMNS)]
