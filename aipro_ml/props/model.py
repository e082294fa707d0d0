"""The model of one kind of prop: a log-linear mean of what is known of the player, and the scatter around it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.config.props import PropConfig, PropsConfig
from aipro_ml.props.distribution import LEAST_MEAN, Spread, fit_spread
from aipro_ml.props.form import FEATURES

FloatArray = npt.NDArray[np.float64]

_LARGEST = 12.0
"""Of ln of a mean: e^12 yards are beyond every game."""


@dataclass(frozen=True)
class PropModel:
    """ln μ = intercept + Σ coef · (feature − centre) / scale; a position has an intercept of its own.

    `n` rows were fitted on.
    """

    names: tuple[str, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    coef: tuple[float, ...]
    intercept: float
    spread: Spread
    n: int

    def means(self, features: pd.DataFrame, position: pd.Series) -> FloatArray:
        """Return the expected figure of each row (n,); NaN where its features are missing."""
        X = _matrix(features, position, self.names)
        z = (X - np.array(self.centre)) / np.array(self.scale)
        score = self.intercept + z @ np.array(self.coef)
        return np.asarray(np.maximum(np.exp(np.minimum(score, _LARGEST)), LEAST_MEAN), dtype=np.float64)

    @property
    def document(self) -> dict[str, Any]:
        """Return the model as a JSON-able mapping; `of` reads it again."""
        plain = {name: list(getattr(self, name)) for name in ("names", "centre", "scale", "coef")}
        return {**plain, "intercept": self.intercept, "n": self.n, "spread": self.spread.document}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the model kept as `document`; KeyError or TypeError where it is none."""
        lists = {name: tuple(document[name]) for name in ("names", "centre", "scale", "coef")}
        return cls(
            **lists,
            intercept=float(document["intercept"]),
            n=int(document["n"]),
            spread=Spread(**document["spread"]),
        )


def usable(prop: PropConfig, features: pd.DataFrame, position: pd.Series) -> pd.Series:
    """Return which rows the prop's model may speak of: features known, the position one of its own."""
    known = features[list(FEATURES)].notna().all(axis=1)
    return known & position.isin(prop.positions) if prop.positions else known


def fit_prop(prop: PropConfig, rows: pd.DataFrame, config: PropsConfig) -> PropModel:
    """Return the model of `prop` fitted on `rows`: FEATURES, position and value (n,), oldest first, all usable."""
    from sklearn.linear_model import PoissonRegressor
    from threadpoolctl import threadpool_limits

    names = (*FEATURES, *(f"position:{each}" for each in prop.positions[1:]))
    X = _matrix(rows, rows["position"], names)
    centre, scale = X.mean(axis=0), X.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    counted = np.maximum(rows["value"].to_numpy("float64"), 0.0)
    # the quasi-likelihood of a log-linear mean: right for every family, whatever scatters around it
    regressor = PoissonRegressor(alpha=config.penalty, solver="newton-cholesky", max_iter=100, tol=1e-8)
    with threadpool_limits(1):  # a few thousand rows: threads would only wait for one another
        fitted = regressor.fit((X - centre) / scale, counted)
    model = PropModel(
        names=names,
        centre=tuple(centre.tolist()),
        scale=tuple(scale.tolist()),
        coef=tuple(fitted.coef_.tolist()),
        intercept=float(fitted.intercept_),
        spread=Spread(prop.families[0]),
        n=len(rows),
    )
    spread = fit_spread(model.means(rows, rows["position"]), counted, prop.families)
    return replace(model, spread=spread)


def _matrix(features: pd.DataFrame, position: pd.Series, names: tuple[str, ...]) -> FloatArray:
    columns = [
        (position == name.removeprefix("position:")).to_numpy("float64")
        if name.startswith("position:")
        else features[name].to_numpy("float64")
        for name in names
    ]
    return np.column_stack(columns)
