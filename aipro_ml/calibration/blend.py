"""The market blend: published log-odds as a weighted sum of the model's and the market's (Benter 1994).

The coefficients start from a belief in the market, model 0 and market 1 with standard deviation 0.5: where the games
say little (spreads and totals are coins, their log-odds hardly vary), the market is published, not noise.
"""

from dataclasses import asdict, dataclass
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


@dataclass(frozen=True)
class MarketBlend(Documented):
    """logit p = model_coef · logit p_calibrated + market_coef · logit p_market, without an intercept.

    Of three outcomes p ∝ p_calibrated ** model_coef · p_market ** market_coef, which of two is the same.

    The default is the market itself: what is published while fewer than 200 rows say what the model adds.
    Standard errors are None then. Coefficients are not constrained; `n` is the number of rows fitted on.
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
    """Return the most probable blend on walk-forward calibrated rows, starting from ANCHOR.

    `calibrated` and `market` (n,) with 0/1 `y`, or (n, 3) with the column that happened. Rows without a calibrated or
    market probability are left out; below 200 rows the market itself.
    """
    p, q = np.asarray(calibrated, dtype=np.float64), np.asarray(market, dtype=np.float64)
    known = np.isfinite(p) & np.isfinite(q)
    rows = known if p.ndim == 1 else known.all(axis=1)
    n = int(rows.sum())
    if n < MINIMUM_ROWS:
        return MarketBlend(n=n)
    coef, se = _coefficients(p[rows], q[rows], np.asarray(y, dtype=np.float64)[rows])
    (model, market_coef), (model_se, market_se) = coef.tolist(), se.tolist()
    return MarketBlend(model, market_coef, model_se, market_se, n)


def _coefficients(p: Scores, q: Scores, y: Scores) -> tuple[Scores, Scores]:
    """Return coefficients of model and market and their standard errors."""
    if p.ndim == 1:
        fit = fit_logistic(np.column_stack([logit(p), logit(q)]), y, ANCHOR)
        return fit.coef, fit.se
    Z = np.stack([logarithms(p), logarithms(q)], axis=-1)
    return fit_conditional_logit(Problem(Z, y.astype(np.int64), np.ones(len(p)), _CENTRE, ANCHOR.precision))


def walk_forward_blended(oof: pd.DataFrame, calibrated: pd.Series) -> pd.Series:
    """Return what would have been published: each season blended by a fit on earlier seasons only.

    `oof` has columns season, y, market_prob; `calibrated` is `walk_forward_calibrated` of the same rows. NaN
    where a row has no calibrated probability.
    """
    rows = oof.assign(calibrated=calibrated)
    return pd.Series(_walk_forward(rows), index=oof.index, name="p_published", dtype="float64")


def with_published(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of `with_calibrated` with `published` as `walk_forward_blended`, of three outcomes the draw's too."""
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
