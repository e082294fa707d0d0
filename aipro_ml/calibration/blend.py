"""The market blend: published log-odds as a weighted sum of the model's and the market's (Benter 1994).

The coefficients start from a belief in the market, model 0 and market 1 with standard deviation 0.5: where the games
say little (spreads and totals are coins, their log-odds hardly vary), the market is published, not noise. A weight of
the model below zero is an accident of few seasons, not knowledge: what is published never leans against its own model.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.calibration.base import Scores
from aipro_ml.calibration.choice import MINIMUM_ROWS
from aipro_ml.calibration.document import Documented, read_document
from aipro_ml.calibration.logits import Prior, expit, fit_logistic, logit
from aipro_ml.calibration.outcomes import MARKET, logarithms, scores_of, seen_of, shares, weights_of, with_scores
from aipro_ml.errors import ArtifactError
from aipro_ml.metrics.conditional_logit import Problem, fit_conditional_logit

_CENTRE = np.array([0.0, 1.0])
ANCHOR = Prior(centre=_CENTRE, precision=1 / 0.5**2)
_BOTH = slice(0, 2)


@dataclass(frozen=True)
class MarketBlend(Documented):
    """logit p = model_coef · logit p_calibrated + market_coef · logit p_market, without an intercept.

    Of three outcomes p ∝ p_calibrated ** model_coef · p_market ** market_coef, which of two is the same.

    The default is the market itself: what is published while fewer than 200 rows say what the model adds.
    Standard errors are None then; `n` is the number of rows fitted on. `model_coef` of a published blend is never
    below zero (`fit_blend`), of a free one (`free_blend`) it is what the rows say.
    """

    model_coef: float = 0.0
    market_coef: float = 1.0
    model_se: float | None = None
    market_se: float | None = None
    n: int = 0

    def blend(self, calibrated: npt.ArrayLike, market: npt.ArrayLike) -> Scores:
        """Return published probabilities, (n,) or (n, 3); where `market` is NaN, `calibrated` unchanged."""
        calibrated = np.asarray(calibrated, dtype=np.float64)
        market = np.asarray(market, dtype=np.float64)
        if calibrated.ndim == 2:
            pooled = shares(self.model_coef * logarithms(calibrated) + self.market_coef * logarithms(market))
            return np.where(np.isnan(market).any(axis=1, keepdims=True), calibrated, pooled)
        mixed = expit(self.model_coef * logit(calibrated) + self.market_coef * logit(market))
        return np.where(np.isnan(market), calibrated, mixed)

    @property
    def document(self) -> dict[str, Any]:
        """Return the blend as a JSON-able mapping."""
        return {"blend": "benter", "format": 1, **asdict(self)}


def load_blend(path: Path) -> MarketBlend:
    """Return the blend in the JSON file `path`; ArtifactError where it is missing or damaged."""
    document = read_document(path)
    fields = {name: document[name] for name in asdict(MarketBlend()) if name in document}
    if document.get("blend") != "benter" or len(fields) != len(asdict(MarketBlend())):
        raise ArtifactError(f"{path}: damaged blend (not the fields of one); calibrate the model again")
    return MarketBlend(**fields)


@dataclass(frozen=True)
class _Known:
    """Rows with both probabilities, (n,) or (n, 3): the model's and the market's, what happened and its weight."""

    p: Scores
    q: Scores
    seen: Scores
    weight: Scores


def fit_blend(
    calibrated: npt.ArrayLike, market: npt.ArrayLike, y: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> MarketBlend:
    """Return the most probable blend that does not bet against its own model: `free_blend` with model_coef ≥ 0.

    Where the free weight is below zero the model's is 0 (with its free standard error) and the market's fitted alone,
    which is the most probable blend on that side of the boundary.
    """
    free = free_blend(calibrated, market, y, weights)
    if free.model_coef >= 0:
        return free
    (market_coef,), (market_se,) = _coefficients(_known(calibrated, market, y, weights), members=slice(1, 2))
    return replace(free, model_coef=0.0, market_coef=float(market_coef), market_se=float(market_se))


def free_blend(
    calibrated: npt.ArrayLike, market: npt.ArrayLike, y: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> MarketBlend:
    """Return the most probable blend on walk-forward calibrated rows, of any sign, starting from ANCHOR.

    `calibrated` and `market` (n,) with 0/1 `y`, or (n, 3) with the column that happened. Rows without a calibrated or
    market probability are left out; below 200 rows the market itself. `weights` (n,): a half-decided row counts ½.
    """
    known = _known(calibrated, market, y, weights)
    if len(known.p) < MINIMUM_ROWS:
        return MarketBlend(n=len(known.p))
    coef, se = _coefficients(known)
    (model_coef, market_coef), (model_se, market_se) = coef.tolist(), se.tolist()
    return MarketBlend(model_coef, market_coef, model_se, market_se, len(known.p))


def _known(calibrated: npt.ArrayLike, market: npt.ArrayLike, y: npt.ArrayLike, weights: npt.ArrayLike | None) -> _Known:
    p, q = np.asarray(calibrated, dtype=np.float64), np.asarray(market, dtype=np.float64)
    known = np.isfinite(p) & np.isfinite(q)
    rows = known if p.ndim == 1 else known.all(axis=1)
    weight = np.ones(len(p)) if weights is None else np.asarray(weights, dtype=np.float64)
    return _Known(p[rows], q[rows], np.asarray(y, dtype=np.float64)[rows], weight[rows])


def _coefficients(known: _Known, members: slice = _BOTH) -> tuple[Scores, Scores]:
    """Return the coefficients of the `members` of model and market, and their standard errors."""
    prior, p, q = Prior(centre=_CENTRE[members], precision=ANCHOR.precision), known.p, known.q
    if p.ndim == 1:
        fit = fit_logistic(np.column_stack([logit(p), logit(q)])[:, members], known.seen, prior, known.weight)
        return fit.coef, fit.se
    Z = np.stack([logarithms(p), logarithms(q)], axis=-1)[..., members]
    problem = Problem(Z, known.seen.astype(np.int64), known.weight, _CENTRE[members], ANCHOR.precision)
    return fit_conditional_logit(problem)


def with_published(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of `with_calibrated` with what would have been published, of three outcomes the draw's too.

    Column `published`: each season is blended by a fit on earlier seasons only; NaN without a calibrated probability.
    """
    return with_scores(rows, "published", _walk_forward(rows))


def _walk_forward(rows: pd.DataFrame) -> Scores:
    seasons, seen = rows["season"].to_numpy("int64"), seen_of(rows)
    p, q, weights = scores_of(rows, "calibrated"), scores_of(rows, MARKET), weights_of(rows)
    published = np.full_like(p, np.nan)
    for season in np.unique(seasons):
        earlier, now = seasons < season, seasons == season
        blend = fit_blend(p[earlier], q[earlier], seen[earlier], None if weights is None else weights[earlier])
        published[now] = blend.blend(p[now], q[now])
    # the market alone blends to itself even where the model has no calibrated row: not a published one
    return np.where(np.isnan(p), np.nan, published)
