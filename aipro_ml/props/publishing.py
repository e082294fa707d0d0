"""What is published of a line: probabilities, side and offer; and how it ended."""

from typing import Any

import numpy as np
import pandas as pd

from aipro_ml.betting.edge import expected_value
from aipro_ml.betting.odds import american_to_decimal
from aipro_ml.enums import BetResult, Selection
from aipro_ml.identity import content_hash
from aipro_ml.props.artifact import PropsModel
from aipro_ml.props.frames import DID_NOT_PLAY, PLAYED
from aipro_ml.props.market import Offers, best_offers
from aipro_ml.props.walkforward import predicted
from aipro_ml.times import iso_utc

DECIMALS = 6
HASHED = (
    "game_id", "player_id", "prop", "line", "book", "over_price", "under_price", "as_of", "model", "mean", "over",
    "under", "tier",
)  # fmt: skip
"""The columns a prediction's hash is of, `model` being the hash of the model's whole content."""


def published(lines: pd.DataFrame, model: PropsModel, market: Offers) -> pd.DataFrame:
    """Return the lines the model speaks of with what is published of them, before their tier.

    Added: mean, p (over given no push, calibrated and blended with the market), push, over, under, side, book, price,
    over_price, under_price, ev (missing without an offer), side_p, edge (missing for a one-sided market).
    """
    told = predicted(lines, dict(model.models))
    known = lines.assign(mean=told["mean"], push=told["push"], raw=told["p"]).loc[told["p"].notna()]
    raw = known.pop("raw").to_numpy("float64")
    calibrated = model.calibration.calibrate(known["prop"], raw)
    said = np.where(np.isnan(calibrated), raw, calibrated)  # too few lines so far: as the model says it
    p = np.clip(model.calibration.blend.blend(said, known["fair"]), 0.0, 1.0)
    push = known["push"].round(DECIMALS)
    known = known.assign(p=p, push=push, mean=known["mean"].round(DECIMALS))
    known = known.assign(over=(p * (1 - push)).round(DECIMALS), under=((1 - p) * (1 - push)).round(DECIMALS))
    return _with_offers(known, market)


def _with_offers(known: pd.DataFrame, market: Offers) -> pd.DataFrame:
    columns = ["side", "book", "price", "over_price", "under_price", "ev"]
    if market.quotes.empty:
        offered = pd.DataFrame(index=known.index, columns=columns, dtype=object)
    else:
        offered = best_offers(market, known)
    likelier = np.where(known["over"] >= known["under"], Selection.OVER.value, Selection.UNDER.value)
    known = known.assign(**{name: offered[name] for name in columns})
    known = known.assign(side=known["side"].where(known["side"].notna(), pd.Series(likelier, index=known.index)))
    on_over = known["side"] == Selection.OVER
    side_p = np.where(on_over, known["p"], 1 - known["p"])
    fair = np.where(on_over, known["fair"], 1 - known["fair"])
    return known.assign(side_p=side_p, edge=side_p - fair)


def hashes(rows: pd.DataFrame, model: str) -> list[str]:
    """Return the prediction hash (64 hex digits) of each row: the SHA-256 of HASHED as canonical JSON."""
    told = rows.assign(model=model)[list(HASHED)]
    return [content_hash({name: _plain(value) for name, value in row.items()}) for row in told.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return iso_utc(value.to_pydatetime())
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    return round(float(value), DECIMALS) if isinstance(value, int | float | np.number) else str(value)


def sides(rows: pd.DataFrame) -> pd.Series:
    """Return the side of each stored prediction: of the better EV at its book's prices, without prices the likelier.

    `rows`: over and under (push is the rest), over_price, under_price.
    """
    push = (1 - rows["over"] - rows["under"]).clip(lower=0.0)
    settled = (rows["over"] + rows["under"]).clip(lower=1e-9)
    values = {}
    for side in (Selection.OVER, Selection.UNDER):
        price = rows[f"{side}_price"].to_numpy("float64")
        values[side] = expected_value(rows[str(side)] / settled, american_to_decimal(price), push)
    over, under = (np.nan_to_num(values[side], nan=-np.inf) for side in (Selection.OVER, Selection.UNDER))
    offered = np.isfinite(over) | np.isfinite(under)
    first = np.where(offered, over >= under, rows["over"] >= rows["under"])
    return pd.Series(np.where(first, Selection.OVER.value, Selection.UNDER.value), index=rows.index)


def results(rows: pd.DataFrame) -> pd.Series:
    """Return how each prediction ended for its side (BetResult's words), missing where that is not known.

    `rows`: side, line, actual and state (`frames.outcomes`).
    """
    ahead = np.sign(rows["actual"] - rows["line"]) * np.where(rows["side"] == Selection.OVER, 1.0, -1.0)
    words = {1.0: BetResult.WIN.value, 0.0: BetResult.PUSH.value, -1.0: BetResult.LOSS.value}
    told = ahead.map(words).where(rows["state"] == PLAYED)
    return told.mask(rows["state"] == DID_NOT_PLAY, BetResult.VOID.value)
