"""Moneylines with a draw: of home, draw and away the side worth most at its price, by the rules of two-way bets."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.betting.edge import expected_value
from aipro_ml.betting.odds import american_to_decimal
from aipro_ml.calibration.base import Calibrator
from aipro_ml.calibration.blend import MarketBlend
from aipro_ml.calibration.logits import EPSILON
from aipro_ml.calibration.outcomes import scores_of
from aipro_ml.calibration.venn_abers import Interval
from aipro_ml.enums import Selection
from aipro_ml.inference.policy import Policy
from aipro_ml.inference.prediction import DECIMALS

Floats = npt.NDArray[np.float64]

_SIDES = np.array([Selection.HOME, Selection.DRAW, Selection.AWAY], dtype=object)
_PRICES = ["reference_price", "draw_price", "other_price"]
_BOOKS = ["reference_book", "draw_book", "other_book"]


def best_of_three(
    part: pd.DataFrame,
    calibrator: Calibrator | None,
    blend: MarketBlend | None,
    interval: Interval | None,
    policy: Policy,
) -> pd.DataFrame:
    """Return a board's rows (with `model_p`, `model_draw`) with the chosen `side` and everything turned to it.

    Columns as of a two-way bet: side, p, fair, model_p, calibrated_p, low, high, price, book, ev, line (NaN) and push
    (0: a draw loses for home and away). Policy `ev`: the side of largest EV, the first of home, draw and away where
    equal; one nobody prices cannot be bet. Policy `probability`: the likeliest side.
    """
    said = scores_of(part.rename(columns={"model_draw": "model_p_draw"}), "model_p")
    fair = scores_of(part, "fair")
    calibrated = said if calibrator is None else calibrator.calibrate(said)
    p = _inside(calibrated if blend is None else blend.blend(calibrated, fair)).round(DECIMALS)
    prices = part[_PRICES].to_numpy("float64")
    ev = expected_value(p, american_to_decimal(prices), np.zeros_like(p))
    worth = np.where(np.isnan(ev), -np.inf, ev) if policy.side == "ev" else p
    chosen = worth.argmax(axis=1)
    low, high = _ends(interval, blend, (said, fair), chosen)
    turned = {"p": p, "fair": fair, "model_p": said, "calibrated_p": _inside(calibrated), "price": prices, "ev": ev}
    of_side = {name: _taken(values, chosen) for name, values in turned.items()}
    books = part[_BOOKS].astype(object).to_numpy()
    return part.assign(
        **of_side,
        side=_SIDES[chosen],
        book=books[np.arange(len(part)), chosen],
        line=np.nan,
        push=0.0,
        low=np.fmin(low, of_side["p"]).round(DECIMALS) if interval is not None else np.nan,
        high=np.fmax(high, of_side["p"]).round(DECIMALS) if interval is not None else np.nan,
    )


def _ends(
    interval: Interval | None,
    blend: MarketBlend | None,
    said_fair: tuple[Floats, Floats],
    chosen: npt.NDArray[np.int64],
) -> tuple[Floats, Floats]:
    """Return low and high of the chosen side's probability, blended as it was; NaN without an interval.

    An end is the probability of one side alone: before it is blended, the others share what it leaves as the model has
    them.
    """
    said, fair = said_fair
    if interval is None:
        return np.full(len(said), np.nan), np.full(len(said), np.nan)
    found = []
    for end in interval.interval(said):
        one = np.clip(_taken(end, chosen), 0.0, 1.0)
        if blend is not None:
            one = _taken(blend.blend(_with(said, chosen, one), fair), chosen)
        found.append(one)
    return found[0], found[1]


def _with(p: Floats, chosen: npt.NDArray[np.int64], value: Floats) -> Floats:
    """Return `p` with the chosen outcome's probability set to `value` (n,), the others scaled to what is left."""
    left = np.clip(1 - _taken(p, chosen), EPSILON, None)
    changed = p * ((1 - value) / left)[:, None]
    changed[np.arange(len(p)), chosen] = value
    return changed


def _taken(values: Floats, chosen: npt.NDArray[np.int64]) -> Floats:
    return np.asarray(values[np.arange(len(values)), chosen], dtype=np.float64)


def _inside(p: Floats) -> Floats:
    return np.asarray(np.clip(p, EPSILON, 1 - EPSILON), dtype=np.float64)
