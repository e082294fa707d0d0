"""Which calibrator: the rule of methods §7, judged in time order on out-of-fold predictions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aipro_ml import metrics
from aipro_ml.calibration.base import Calibrator, Scores
from aipro_ml.calibration.load import new_calibrator
from aipro_ml.calibration.outcomes import scores_of, seen_of, weights_of, with_scores
from aipro_ml.enums import CalibrationMethod
from aipro_ml.metrics import multiclass

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
    """Return the choice for pooled out-of-fold rows (season, p, y; p_draw of three outcomes; weight where halves are).

    auto: n < 200 none; n < 2,000 Platt; else the simplest of none, Platt, isotonic whose walk-forward log
    loss is within one paired standard error of the best. A requested method is taken, with its log loss:
    temperature and beta only so, never by auto.
    """
    compared = dict.fromkeys([*_SIMPLEST_FIRST, *({requested} - {CalibrationMethod.AUTO})])
    losses = _walk_forward_losses(oof, compared) if len(oof) >= MINIMUM_ROWS else _Losses({})
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
        compared=len(losses.rows[method]) if losses.rows else 0,
        log_losses={name: losses.mean(name) for name in losses.rows},
    )


def walk_forward_calibrated(oof: pd.DataFrame, method: CalibrationMethod) -> pd.Series:
    """Return each row's probability as calibrated by a fit on the out-of-fold rows of earlier seasons only.

    NaN where fewer than 200 earlier rows exist, for every method alike, so that methods compare on one set.
    """
    return pd.Series(_walk_forward(oof, method), index=oof.index, name="p_calibrated", dtype="float64")


def with_calibrated(oof: pd.DataFrame, method: CalibrationMethod) -> pd.DataFrame:
    """Return `oof` with `calibrated` as `walk_forward_calibrated`, of three outcomes `calibrated_draw` too."""
    return with_scores(oof, "calibrated", _walk_forward(oof, method))


def _walk_forward(oof: pd.DataFrame, method: CalibrationMethod) -> Scores:
    scores, seasons = scores_of(oof), oof["season"].to_numpy("int64")
    calibrated = np.full_like(scores, np.nan)
    for season in np.unique(seasons):
        earlier, now = oof[seasons < season], seasons == season
        if len(earlier) >= MINIMUM_ROWS:
            calibrated[now] = _apply(_fitted(earlier, method), scores[now])
    return calibrated


@dataclass(frozen=True)
class _Losses:
    """Log loss of each row by method, on the same rows, and their weights (None: one each)."""

    rows: Mapping[CalibrationMethod, Scores]
    weights: Scores | None = None

    def mean(self, method: CalibrationMethod) -> float:
        return metrics.mean_of(self.rows[method], self.weights)

    def difference(self, method: CalibrationMethod, other: CalibrationMethod) -> metrics.PairedDifference:
        return metrics.paired_difference(self.rows[method], self.rows[other], self.weights)


def _walk_forward_losses(oof: pd.DataFrame, methods: Iterable[CalibrationMethod]) -> _Losses:
    seen, weights = seen_of(oof), weights_of(oof)
    losses, kept = {}, None
    for method in methods:
        p = _walk_forward(oof, method)
        rows = np.isfinite(p if p.ndim == 1 else p[:, 0])
        if not rows.any():
            return _Losses({})
        kept = None if weights is None else weights[rows]  # the same rows for every method
        of_rows = metrics.log_losses if p.ndim == 1 else multiclass.log_losses
        losses[method] = of_rows(p[rows], seen[rows])
    return _Losses(losses, kept)


def _auto(n: int, losses: _Losses) -> tuple[CalibrationMethod, str]:
    if n < MINIMUM_ROWS:
        return CalibrationMethod.NONE, f"{n} rows: fewer than {MINIMUM_ROWS} calibrate nothing"
    if n < COMPARE_ROWS:
        return CalibrationMethod.PLATT, f"{n} rows: Platt below {COMPARE_ROWS}"
    if not losses.rows:
        return CalibrationMethod.PLATT, "one season only: nothing to compare methods on, Platt"
    best = min(losses.rows, key=losses.mean)
    for method in _SIMPLEST_FIRST:
        behind = losses.difference(method, best)
        if behind.mean <= behind.se:
            break
    if method == best:
        return method, "best walk-forward log loss, nothing simpler within one standard error"
    return method, (f"simplest within one standard error of {best} (log loss {behind.mean:+.5f} ± {behind.se:.5f})")


def _fitted(oof: pd.DataFrame, method: CalibrationMethod) -> Calibrator | None:
    if method == CalibrationMethod.NONE:
        return None
    scores = scores_of(oof)
    return new_calibrator(method, 2 if scores.ndim == 1 else 3).fit(scores, seen_of(oof), weights_of(oof))


def _apply(calibrator: Calibrator | None, scores: Scores) -> Scores:
    return scores if calibrator is None else calibrator.calibrate(scores)
