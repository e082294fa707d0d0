"""Ordered logistic regression of home, draw and away on one number: how a rating without draws speaks of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_SCALE = 400.0
"""Points of Elo that make the fit's slope a number near one."""


@dataclass(frozen=True)
class OrderedLogit:
    """P(home) = expit(slope · x/400 + home), P(home or draw) = expit(slope · x/400 + home + gap); gap > 0."""

    slope: float
    home: float
    gap: float

    def probabilities(self, x: npt.ArrayLike) -> Floats:
        """Return P(home), P(draw), P(away) of each x, shape (n, 3)."""
        from scipy.special import expit

        z = self.slope * np.asarray(x, dtype=np.float64) / _SCALE + self.home
        won, not_lost = expit(z), expit(z + self.gap)
        return np.column_stack([won, not_lost - won, 1 - not_lost])


def fit_ordered(x: npt.ArrayLike, outcome: npt.ArrayLike) -> OrderedLogit:
    """Return the likeliest OrderedLogit (McCullagh 1980) of outcomes 0 home, 1 draw, 2 away, shape (n,), on x (n,)."""
    from scipy.optimize import minimize

    z, seen = np.asarray(x, dtype=np.float64), np.asarray(outcome, dtype=np.int64)
    rows = np.arange(len(z))

    def cost(theta: Floats) -> float:
        p = OrderedLogit(theta[0], theta[1], np.exp(theta[2])).probabilities(z)[rows, seen]
        return float(-np.log(np.clip(p, 1e-12, 1.0)).mean())

    found = minimize(cost, np.array([1.0, -0.5, 0.0]), method="BFGS").x
    return OrderedLogit(float(found[0]), float(found[1]), float(np.exp(found[2])))
