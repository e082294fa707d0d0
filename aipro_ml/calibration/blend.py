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
from aipro_ml.errors import ArtifactError

ANCHOR = Prior(centre=np.array([0.0, 1.0]), precision=1 / 0.5**2)


@dataclass(frozen=True)
class MarketBlend(Documented):
    """logit p = model_coef · logit p_calibrated + market_coef · logit p_market, without an intercept.

    The default is the market itself: what is published while fewer than 200 rows say what the model adds.
    Standard errors are None then. Coefficients are not constrained; `n` is the number of rows fitted on.
    """

    model_coef: float = 0.0
    market_coef: float = 1.0
    model_se: float | None = None
    market_se: float | None = None
    n: int = 0

    def blend(self, calibrated: npt.ArrayLike, market: npt.ArrayLike) -> Scores:
        """Return published probabilities, shape (n,); where `market` is NaN, `calibrated` unchanged."""
        calibrated = np.asarray(calibrated, dtype=np.float64)
        market = np.asarray(market, dtype=np.float64)
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
    """Return the most probable blend on walk-forward calibrated rows, all shape (n,), starting from ANCHOR.

    Rows without a calibrated or market probability are left out; below 200 rows the market itself.
    """
    p, q = np.asarray(calibrated, dtype=np.float64), np.asarray(market, dtype=np.float64)
    rows = np.isfinite(p) & np.isfinite(q)
    n = int(rows.sum())
    if n < MINIMUM_ROWS:
        return MarketBlend(n=n)
    Z = np.column_stack([logit(p[rows]), logit(q[rows])])
    fit = fit_logistic(Z, np.asarray(y, dtype=np.float64)[rows], ANCHOR)
    model, market_coef = fit.coef.tolist()
    model_se, market_se = fit.se.tolist()
    return MarketBlend(model, market_coef, model_se, market_se, n)


def walk_forward_blended(oof: pd.DataFrame, calibrated: pd.Series) -> pd.Series:
    """Return what would have been published: each season blended by a fit on earlier seasons only.

    `oof` has columns season, y, market_prob; `calibrated` is `walk_forward_calibrated` of the same rows. NaN
    where a row has no calibrated probability.
    """
    published = pd.Series(np.nan, index=oof.index, name="p_published", dtype="float64")
    seasons = oof["season"].to_numpy("int64")
    p, q = calibrated.to_numpy("float64"), oof["market_prob"].to_numpy("float64")
    y = oof["y"].to_numpy("float64")
    for season in np.unique(seasons):
        earlier, now = seasons < season, seasons == season
        blend = fit_blend(p[earlier], q[earlier], y[earlier])
        published.iloc[np.flatnonzero(now)] = blend.blend(p[now], q[now])
    # the market alone blends to itself even where the model has no calibrated row: not a published one
    return published.where(calibrated.notna())
