"""Kelly stakes as fractions of bankroll, shrunk for uncertainty and capped per bet, game and slate."""

import numpy as np
import numpy.typing as npt

from aipro_ml.betting.edge import expected_value
from aipro_ml.betting.odds import american_to_decimal

FloatArray = npt.NDArray[np.float64]


def full_kelly(p: npt.ArrayLike, price: npt.ArrayLike) -> FloatArray:
    """Return max(0, (b p − (1 − p))/b) at American `price`; p is the win probability given no push.

    The push probability cancels, so three-outcome Kelly is the same. Positive exactly where EV is.
    """
    decimal = american_to_decimal(price)
    return np.maximum(0.0, expected_value(p, decimal)) / (decimal - 1)


def kelly_fraction(
    p: npt.ArrayLike,
    price: npt.ArrayLike,
    fraction: float = 0.25,
    cap: float = 0.02,
    shrink: npt.ArrayLike = 1.0,
) -> FloatArray:
    """Return min(cap, fraction · shrink · full Kelly) at American `price`; `shrink` from `kelly_shrink`."""
    return np.minimum(cap, fraction * np.asarray(shrink, dtype=np.float64) * full_kelly(p, price))


def kelly_shrink(p: npt.ArrayLike, price: npt.ArrayLike, sd: npt.ArrayLike) -> FloatArray:
    """Return Baker & McHale's (2013) factor f²/(f² + ((b + 1)/b)² sd²) for a p known with error `sd`.

    f is the full Kelly stake, b the net odds. 0 where there is nothing to stake.
    """
    f = full_kelly(p, price)
    decimal = american_to_decimal(price)
    noise = (decimal / (decimal - 1) * np.asarray(sd, dtype=np.float64)) ** 2
    factor: FloatArray = f**2 / np.where(f == 0, 1.0, f**2 + noise)
    return factor


def apply_caps(fractions: npt.ArrayLike, game_ids: npt.ArrayLike, game_cap: float, slate_cap: float) -> FloatArray:
    """Return stakes scaled so that no game's bets exceed `game_cap` together, then all of them `slate_cap`.

    `fractions` and `game_ids` have shape (n,), every bet type of one run together.
    """
    stakes = np.asarray(fractions, dtype=np.float64)
    if not len(stakes):
        return stakes
    _, game = np.unique(np.asarray(game_ids), return_inverse=True)
    stakes = stakes * _scale(np.bincount(game, stakes), game_cap)[game]
    return stakes * _scale(stakes.sum(), slate_cap)


def _scale(total: npt.ArrayLike, cap: float) -> FloatArray:
    """Return min(1, cap / total) for a cap > 0; nothing staked needs no scaling."""
    scale: FloatArray = cap / np.maximum(total, cap)
    return scale
