"""Expected value at the offered price and edge over the fair market (methods §2)."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def expected_value(p: npt.ArrayLike, decimal: npt.ArrayLike, push: npt.ArrayLike = 0.0) -> FloatArray:
    """Return EV per unit staked, (1 − π)(p·d − 1), with p the win probability given no push."""
    p, decimal, push = (np.asarray(value, dtype=np.float64) for value in (p, decimal, push))
    return (1 - push) * (p * decimal - 1)


def edge(p: npt.ArrayLike, fair: npt.ArrayLike) -> FloatArray:
    """Return p − fair in probability points, both of the same side; NaN for a one-sided market.

    Never give the vigged implied probability: that is what `expected_value` answers.
    """
    return np.asarray(p, dtype=np.float64) - np.asarray(fair, dtype=np.float64)
