"""Opening to closing: how much sharper the close is, and what bets taken at the opener were worth when it closed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aipro_ml import metrics

Floats = npt.NDArray[np.float64]

EDGE_BOUNDS = (0.0, 0.02, 0.05, 0.10)
"""Lower bounds of the bins of |edge|, in probability points; the last has no upper bound."""

DRAWS = 2000


@dataclass(frozen=True)
class Sharpening:
    """Log loss of opening and closing fair probabilities on the same n games, in nats.

    `difference`: opening less closing, positive where the close is better, with its paired standard error and the
    95 % interval of whole blocks (weeks) resampled.
    """

    n: int
    opening: float
    closing: float
    difference: float
    se: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class EdgeBin:
    """Bets whose |edge| lies in [low, high): their number and the mean of their closing line value.

    `se` and the 95 % interval resample whole blocks; NaN where the bin is empty or of one block.
    """

    low: float
    high: float
    n: int
    edge: float
    value: float
    se: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class ValueSlope:
    """Closing line value gained a unit of |edge| (least squares); interval and `se` resample whole blocks."""

    slope: float
    se: float
    ci_low: float
    ci_high: float
    n: int


def sharpening(
    opening: npt.ArrayLike, closing: npt.ArrayLike, y: npt.ArrayLike, blocks: npt.ArrayLike, seed: int
) -> Sharpening:
    """Return how much better the close knew the reference outcome than the opener, paired; all shape (n,).

    `opening` and `closing` are fair probabilities of the reference side without NaN, `y` 0/1 outcomes.
    """
    before, after = metrics.log_losses(opening, y), metrics.log_losses(closing, y)
    paired = metrics.paired_difference(before, after)
    low, high = metrics.block_bootstrap_interval(before - after, blocks, seed=seed)
    return Sharpening(len(before), float(before.mean()), float(after.mean()), paired.mean, paired.se, low, high)


def value_by_edge(
    edge: npt.ArrayLike,
    value: npt.ArrayLike,
    blocks: npt.ArrayLike,
    *,
    seed: int,
    bounds: Sequence[float] = EDGE_BOUNDS,
) -> tuple[EdgeBin, ...]:
    """Return the closing line value of bets by the size of the edge they were taken for, in order of `bounds`.

    `edge`: model less fair probability at the opener of the side that was bet; `value`: its EV at the close; both
    shape (n,). Rows with a NaN are left out.
    """
    size, worth, block = _known(edge, value, blocks)
    bins = []
    for low, high in zip(bounds, [*bounds[1:], np.inf], strict=True):
        rows = (size >= low) & (size < high)
        bins.append(_bin((low, high), size[rows], worth[rows], block[rows], seed))
    return tuple(bins)


def value_slope(edge: npt.ArrayLike, value: npt.ArrayLike, blocks: npt.ArrayLike, *, seed: int) -> ValueSlope:
    """Return how closing line value rises with |edge|, over all bets (see `value_by_edge`)."""
    x, y, block = _known(edge, value, blocks)
    sums = _block_sums(block, (np.ones_like(x), x, y, x * y, x * x))
    slopes = _slope(_drawn(sums, seed))
    low, high = np.quantile(slopes, [0.025, 0.975])
    whole = float(_slope(sums.sum(axis=0, keepdims=True))[0])
    return ValueSlope(whole, float(slopes.std(ddof=1)), float(low), float(high), len(x))


def _bin(span: tuple[float, float], edge: Floats, value: Floats, block: Floats, seed: int) -> EdgeBin:
    if len(np.unique(block)) < 2:
        mean = (float(edge.mean()), float(value.mean())) if len(edge) else (np.nan, np.nan)
        return EdgeBin(*span, len(edge), *mean, np.nan, np.nan, np.nan)
    drawn = _drawn(_block_sums(block, (np.ones_like(value), value)), seed)
    means = drawn[:, 1] / drawn[:, 0]
    low, high = np.quantile(means, [0.025, 0.975])
    return EdgeBin(
        *span, len(edge), float(edge.mean()), float(value.mean()), float(means.std(ddof=1)), float(low), float(high)
    )


def _known(edge: npt.ArrayLike, value: npt.ArrayLike, blocks: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    x, y, block = (np.asarray(each, dtype=np.float64) for each in (edge, value, blocks))
    rows = ~(np.isnan(x) | np.isnan(y))
    return np.abs(x[rows]), y[rows], block[rows]


def _block_sums(block: Floats, columns: tuple[Floats, ...]) -> Floats:
    """Return the sum of each column within each block, shape (blocks, columns)."""
    _, code = np.unique(block, return_inverse=True)
    return np.column_stack([np.bincount(code, column) for column in columns])


def _drawn(sums: Floats, seed: int) -> Floats:
    """Return the sums over `DRAWS` samples of whole blocks, shape (draws, columns)."""
    k = len(sums)
    times = np.random.default_rng(seed).multinomial(k, np.full(k, 1 / k), size=DRAWS)
    return np.asarray(times @ sums, dtype=np.float64)


def _slope(sums: Floats) -> Floats:
    n, x, y, xy, xx = sums.T
    return np.asarray((n * xy - x * y) / (n * xx - x * x), dtype=np.float64)
