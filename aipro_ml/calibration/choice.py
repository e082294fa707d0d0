"""Which calibrator: the rule of methods §7, judged in time order on out-of-fold predictions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aipro_ml import metrics
from aipro_ml.calibration.base import Calibrator, Scores
from aipro_ml.calibration.load import new_calibrator
from aipro_ml.enums import CalibrationMethod

MINIMUM_ROWS = 200
"""Fewer earlier rows than this calibrate nothing."""
COMPARE_ROWS = 2000
"""From here on `auto` compares methods; below it Platt is taken without asking."""

_SIMPLEST_FIRST = (CalibrationMethod.NONE, CalibrationMethod.PLATT, CalibrationMethod.ISOTONIC)


@dataclass(frozen=True)
class Choice:
    """The calibrator that was chosen, fitted on all rows, and why.

    `calibrator` is None for method none. `log_losses`: walk-forward log loss of each method that was compared
    (empty where none was); all on the same `compared` rows.
    """

    requested: CalibrationMethod
    method: CalibrationMethod
    calibrator: Calibrator | None
    reason: str
    n: int
    compared: int
    log_losses: Mapping[CalibrationMethod, float]


def choose(oof: pd.DataFrame, requested: CalibrationMethod = CalibrationMethod.AUTO) -> Choice:
    """Return the choice for pooled out-of-fold rows (columns season, p, y).

    auto: n < 200 none; n < 2,000 Platt; else the simplest of none, Platt, isotonic whose walk-forward log
    loss is within one paired standard error of the best. A requested method is taken, with its log loss:
    temperature and beta only so, never by auto.
    """
    compared = dict.fromkeys([*_SIMPLEST_FIRST, *({requested} - {CalibrationMethod.AUTO})])
    losses = _walk_forward_losses(oof, compared) if len(oof) >= MINIMUM_ROWS else {}
    if requested == CalibrationMethod.AUTO:
        method, reason = _auto(len(oof), losses)
    else:
        method, reason = requested, "as requested"
    return Choice(
        requested=requested,
        method=method,
        calibrator=_fitted(oof, method),
        reason=reason,
        n=len(oof),
        compared=len(losses[method]) if losses else 0,
        log_losses={name: float(values.mean()) for name, values in losses.items()},
    )


def walk_forward_calibrated(oof: pd.DataFrame, method: CalibrationMethod) -> pd.Series:
    """Return each row's probability as calibrated by a fit on the out-of-fold rows of earlier seasons only.

    NaN where fewer than 200 earlier rows exist, for every method alike, so that methods compare on one set.
    """
    calibrated = pd.Series(np.nan, index=oof.index, name="p_calibrated", dtype="float64")
    seasons = oof["season"].to_numpy("int64")
    for season in np.unique(seasons):
        earlier, now = oof[seasons < season], seasons == season
        if len(earlier) < MINIMUM_ROWS:
            continue
        calibrated.iloc[np.flatnonzero(now)] = _apply(_fitted(earlier, method), _scores(oof[now]))
    return calibrated


def _walk_forward_losses(oof: pd.DataFrame, methods: Iterable[CalibrationMethod]) -> dict[CalibrationMethod, Scores]:
    y = oof["y"].to_numpy("float64")
    losses = {}
    for method in methods:
        p = walk_forward_calibrated(oof, method).to_numpy("float64")
        rows = np.isfinite(p)
        if not rows.any():
            return {}
        losses[method] = metrics.log_losses(p[rows], y[rows])
    return losses


def _auto(n: int, losses: Mapping[CalibrationMethod, Scores]) -> tuple[CalibrationMethod, str]:
    if n < MINIMUM_ROWS:
        return CalibrationMethod.NONE, f"{n} rows: fewer than {MINIMUM_ROWS} calibrate nothing"
    if n < COMPARE_ROWS:
        return CalibrationMethod.PLATT, f"{n} rows: Platt below {COMPARE_ROWS}"
    if not losses:
        return CalibrationMethod.PLATT, "one season only: nothing to compare methods on, Platt"
    best = min(losses, key=lambda method: float(losses[method].mean()))
    for method in _SIMPLEST_FIRST:
        behind = metrics.paired_difference(losses[method], losses[best])
        if behind.mean <= behind.se:
            break
    if method == best:
        return method, "best walk-forward log loss, nothing simpler within one standard error"
    return method, (f"simplest within one standard error of {best} (log loss {behind.mean:+.5f} ± {behind.se:.5f})")


def _fitted(oof: pd.DataFrame, method: CalibrationMethod) -> Calibrator | None:
    if method == CalibrationMethod.NONE:
        return None
    return new_calibrator(method).fit(_scores(oof), oof["y"].to_numpy("float64"))


def _apply(calibrator: Calibrator | None, scores: Scores) -> Scores:
    return scores if calibrator is None else calibrator.calibrate(scores)


def _scores(oof: pd.DataFrame) -> Scores:
    return np.asarray(oof["p"].to_numpy("float64"), dtype=np.float64)
