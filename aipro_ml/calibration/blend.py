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
from aipro_ml.calibration.outcomes import MARKET, logarithms, scores_of, seen_of, shares, with_scores
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


def fit_blend(calibrated: npt.ArrayLike, market: npt.ArrayLike, y: npt.ArrayLike) -> MarketBlend:
    """Return the most probable blend that does not bet against its own model: `free_blend` with model_coef ≥ 0.

    Where the free weight is below zero the model's is 0 (with its free standard error) and the market's fitted alone,
    which is the most probable blend on that side of the boundary.
    """
    free = free_blend(calibrated, market, y)
    if free.model_coef >= 0:
        return free
    p, q, seen = _known(calibrated, market, y)
    (market_coef,), (market_se,) = _coefficients(p, q, seen, members=slice(1, 2))
    return replace(free, model_coef=0.0, market_coef=float(market_coef), market_se=float(market_se))


def free_blend(calibrated: npt.ArrayLike, market: npt.ArrayLike, y: npt.ArrayLike) -> MarketBlend:
    """Return the most probable blend on walk-forward calibrated rows, of any sign, starting from ANCHOR.

    `calibrated` and `market` (n,) with 0/1 `y`, or (n, 3) with the column that happened. Rows without a calibrated or
    market probability are left out; below 200 rows the market itself.
    """
    p, q, seen = _known(calibrated, market, y)
    if len(p) < MINIMUM_ROWS:
        return MarketBlend(n=len(p))
    coef, se = _coefficients(p, q, seen)
    (model_coef, market_coef), (model_se, market_se) = coef.tolist(), se.tolist()
    return MarketBlend(model_coef, market_coef, model_se, market_se, len(p))


def _known(calibrated: npt.ArrayLike, market: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Scores, Scores, Scores]:
    """Return the rows that have both probabilities, and what happened."""
    p, q = np.asarray(calibrated, dtype=np.float64), np.asarray(market, dtype=np.float64)
    known = np.isfinite(p) & np.isfinite(q)
    rows = known if p.ndim == 1 else known.all(axis=1)
    return p[rows], q[rows], np.asarray(y, dtype=np.float64)[rows]


def _coefficients(p: Scores, q: Scores, y: Scores, members: slice = _BOTH) -> tuple[Scores, Scores]:
    """Return the coefficients of the `members` of model and market, and their standard errors."""
    prior = Prior(centre=_CENTRE[members], precision=ANCHOR.precision)
    if p.ndim == 1:
        fit = fit_logistic(np.column_stack([logit(p), logit(q)])[:, members], y, prior)
        return fit.coef, fit.se
    Z = np.stack([logarithms(p), logarithms(q)], axis=-1)[..., members]
    problem = Problem(Z, y.astype(np.int64), np.ones(len(p)), _CENTRE[members], ANCHOR.precision)
    return fit_conditional_logit(problem)


def with_published(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of `with_calibrated` with what would have been published, of three outcomes the draw's too.

    Column `published`: each season is blended by a fit on earlier seasons only; NaN without a calibrated probability.
    """
    return with_scores(rows, "published", _walk_forward(rows))


def _walk_forward(rows: pd.DataFrame) -> Scores:
    seasons, seen = rows["season"].to_numpy("int64"), seen_of(rows)
    p, q = scores_of(rows, "calibrated"), scores_of(rows, MARKET)
    published = np.full_like(p, np.nan)
    for season in np.unique(seasons):
        earlier, now = seasons < season, seasons == season
        blend = fit_blend(p[earlier], q[earlier], seen[earlier])
        published[now] = blend.blend(p[now], q[now])
    # the market alone blends to itself even where the model has no calibrated row: not a published one
    return np.where(np.isnan(p), np.nan, published)
