"""American and decimal odds, implied probability and net odds, for scalars and arrays alike."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def valid_american(american: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return where a price is a possible American one: finite and at least 100 in size."""
    a = np.asarray(american, dtype=np.float64)
    return np.isfinite(a) & (np.abs(a) >= 100)


def american_to_decimal(american: npt.ArrayLike) -> FloatArray:
    """Return decimal odds: 1 + a/100 for a ≥ 100, 1 + 100/|a| for a ≤ −100 (methods §1).

    In an array NaN means "no price" and stays NaN; a scalar NaN, an infinite price and |a| < 100 raise
    ValueError.
    """
    a = np.asarray(american, dtype=np.float64)
    missing = np.isnan(a) & (a.ndim > 0)
    wrong = ~(valid_american(a) | missing)
    if np.any(wrong):
        raise ValueError(f"American odds must be <= -100 or >= 100, got {a[wrong].ravel()[0]:g}")
    decimal: FloatArray = 1 + np.where(a > 0, a, 100.0) / np.where(a > 0, 100.0, np.abs(a))
    return decimal


def decimal_to_american(decimal: npt.ArrayLike) -> FloatArray:
    """Return American odds rounded to the nearest whole number (halves to the even one); 2.0 is +100.

    NaN stays NaN in an array; odds of 1 or less, infinite ones and a scalar NaN raise ValueError.
    """
    d = np.asarray(decimal, dtype=np.float64)
    missing = np.isnan(d) & (d.ndim > 0)
    if np.any(~((np.isfinite(d) & (d > 1)) | missing)):
        raise ValueError("decimal odds must be finite and greater than 1")
    american: FloatArray = np.rint(np.where(d >= 2, 100, -100) * np.where(d >= 2, d - 1, 1 / (d - 1)))
    return american


def implied_probability(american: npt.ArrayLike) -> FloatArray:
    """Return 1/decimal: the win probability at which the price is even, the book's margin included."""
    return 1 / american_to_decimal(american)


def net_odds(american: npt.ArrayLike) -> FloatArray:
    """Return b = decimal − 1: the profit of one unit staked and won."""
    return american_to_decimal(american) - 1
