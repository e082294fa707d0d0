"""Discretised normal model of final margins and totals, with learned weights for key numbers (methods §5)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aipro_ml.betting.threads import by_rows
from aipro_ml.enums import BetType

FloatArray = npt.NDArray[np.float64]

PRIOR_GAMES = 20.0
"""Key numbers are shrunk as if this many games had fallen on each integer just as the normal expects."""
PRIOR_SPREAD_GAMES = 500.0
"""A starting value of the standard deviation counts as much as it had been measured on so many games."""
_P_LIMIT = 1e-9
_SECANTS = 12
"""Steps by the secant; who has not converged by then goes on with the fixed slope."""
_BLOCK = 256
"""Rows weighed at a time: their tables of every integer stay in the processor's cache."""


@dataclass(frozen=True)
class WinPushLose:
    """Probabilities that the reference side wins, pushes and loses at a line; they sum to one."""

    win: FloatArray
    push: FloatArray
    lose: FloatArray

    @property
    def win_given_no_push(self) -> FloatArray:
        """Return P(win | no push)."""
        return self.win / (self.win + self.lose)


@dataclass(frozen=True)
class MarginDistribution:
    """P(X = k) ∝ weight(k) · [Φ((k + ½ − mean)/sd) − Φ((k − ½ − mean)/sd)] over the integers k.

    X is the home margin (spread) or the total (total), in points. `weights[i]` belongs to the integer
    `lowest + i`; every other integer weighs 1, and no weights at all is the plain discretised normal.
    Lines are the reference side's: home's signed spread (−3.5 gives 3.5 points), or the total.
    """

    bet_type: BetType
    sd: float
    weights: tuple[float, ...] = ()
    lowest: int = 0

    def __post_init__(self) -> None:
        if self.bet_type is BetType.MONEYLINE:
            raise ValueError("a moneyline has no line: margins are modelled for spread and total")
        if not self.sd > 0 or any(not weight > 0 for weight in self.weights):
            raise ValueError("standard deviation and weights must be positive")

    def win_push_lose(self, mean: npt.ArrayLike, line: npt.ArrayLike) -> WinPushLose:
        """Return the reference side's chances at `line` when X has centre `mean`; arguments broadcast.

        At a quarter line they are those of the two half stakes, averaged, which keeps EV exact.
        """
        mean, line = np.broadcast_arrays(np.asarray(mean, float), np.asarray(line, float))
        shape, mean, line = mean.shape, mean.ravel(), line.ravel()
        threshold = -line if self.bet_type is BetType.SPREAD else line
        split = np.where(np.mod(threshold * 4, 2) == 1, 0.25, 0.0)
        chances = self._chances(mean, threshold - split)
        quarter = split > 0
        if quarter.any():  # elsewhere both stakes are one
            upper = self._chances(mean[quarter], (threshold + split)[quarter])
            for whole, half in zip(chances, upper, strict=True):
                whole[quarter] = (whole[quarter] + half) / 2
        win, push, lose = (chance.reshape(shape) for chance in chances)
        return WinPushLose(win, push, lose)

    def match_mean(self, line: npt.ArrayLike, p_win_given_no_push: npt.ArrayLike) -> FloatArray:
        """Return the mean at which the reference side wins `line` with that probability; NaN where unknown.

        Solved on the probit scale, where win probability is nearly a straight line of slope 1/sd in the mean: the
        secant method, which begins with that slope and returns to it where it does not settle, as plain Newton with
        the fixed slope converges for any learned weights.
        """
        line, p = np.broadcast_arrays(np.asarray(line, float), np.asarray(p_win_given_no_push, float))
        return by_rows(self._matched, (line.ravel(), p.ravel())).reshape(line.shape)

    def _matched(self, line: FloatArray, p: FloatArray) -> FloatArray:
        """Return the means of `match_mean` for (n,) lines and probabilities."""
        from scipy.special import ndtri

        target = ndtri(np.clip(p, _P_LIMIT, 1 - _P_LIMIT))
        mean: FloatArray = (-line if self.bet_type is BetType.SPREAD else line) + self.sd * target
        rows = np.flatnonzero(np.isfinite(mean))
        step, miss_before = np.zeros((2, len(rows)))
        for attempt in range(100):
            p_now = self.win_push_lose(mean[rows], line[rows]).win_given_no_push
            miss = ndtri(np.clip(p_now, _P_LIMIT / 10, 1 - _P_LIMIT / 10)) - target[rows]
            step = self._slope(step, miss_before - miss, attempt) * miss
            mean[rows] -= step
            going = np.abs(step) > 1e-11 * self.sd  # a row stops at its own convergence
            rows, step, miss_before = rows[going], step[going], miss[going]
            if not len(rows):
                break
        return mean

    def _slope(self, step: FloatArray, gained: FloatArray, attempt: int) -> FloatArray | float:
        """Return how far the mean moves for a probit more: as the last step did, else sd."""
        if not 0 < attempt < _SECANTS:
            return self.sd
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = step / gained
        return np.where((slope > self.sd / 3) & (slope < self.sd * 3), slope, self.sd)

    def _chances(self, mean: FloatArray, threshold: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return P(X > t), P(X = t), P(X < t) for thresholds in whole or half points."""
        from scipy.special import ndtr

        whole = np.floor(threshold) == threshold
        above: FloatArray = ndtr((mean - (np.floor(threshold) + 0.5)) / self.sd)
        below: FloatArray = ndtr((np.ceil(threshold) - 0.5 - mean) / self.sd)
        at = np.where(whole, np.maximum(0.0, 1 - above - below), 0.0 * threshold)  # NaN line: NaN push
        if not self.weights:
            return above, at, below
        for start in range(0, len(mean), _BLOCK):
            rows = slice(start, start + _BLOCK)
            self._weigh(mean[rows], threshold[rows], (above[rows], at[rows], below[rows]))
        total = above + at + below
        return above / total, at / total, below / total

    def _weigh(
        self, mean: FloatArray, threshold: FloatArray, chances: tuple[FloatArray, FloatArray, FloatArray]
    ) -> None:
        """Add to `chances` (above, at, below the thresholds, (n,) each) what the weights move there."""
        above, at, below = chances
        extra, k, t = self._extra_mass(mean), self._integers(), threshold[:, None]
        above += np.where(k > t, extra, 0.0).sum(axis=-1)
        below += np.where(k < t, extra, 0.0).sum(axis=-1)
        place = threshold - self.lowest
        rows = np.flatnonzero((np.floor(place) == place) & (place >= 0) & (place < len(k)))
        at[rows] += extra[rows, place[rows].astype(np.int64)]

    def _integers(self) -> FloatArray:
        return self.lowest + np.arange(len(self.weights), dtype=np.float64)

    def _extra_mass(self, mean: FloatArray) -> FloatArray:
        """Return what the weights add to each integer's normal mass (negative below weight 1), (…, m)."""
        extra: FloatArray = (np.array(self.weights) - 1) * integer_mass(mean, self.sd, self._integers())
        return extra


def integer_mass(mean: npt.ArrayLike, sd: float, integers: FloatArray) -> FloatArray:
    """Return the normal's mass on each integer (m,) for each mean (…,): shape (…, m)."""
    from scipy.special import ndtr

    edges = np.append(integers - 0.5, integers[-1:] + 0.5)
    mass: FloatArray = np.diff(ndtr((edges - np.asarray(mean, float)[..., None]) / sd), axis=-1)
    return mass


def learn_key_numbers(
    bet_type: BetType, outcomes: npt.ArrayLike, lines: npt.ArrayLike, sd: float, prior: float = PRIOR_GAMES
) -> MarginDistribution:
    """Return the distribution with weights (observed + prior)/(expected + prior) an integer.

    `outcomes` are home margins or totals and `lines` the reference side's closing lines, shape (n,), of
    games known before the first game it is used on: that is the caller's duty. Rows with NaN are left out.
    Margins count by size, so that +3 and −3 share one weight.
    """
    x, means = np.rint(np.asarray(outcomes, float)), np.asarray(lines, float)
    known = ~(np.isnan(x) | np.isnan(means))
    if not known.any():
        return MarginDistribution(bet_type, sd)
    x, means = x[known], means[known]
    low, high = float(x.min()), float(x.max())
    if bet_type is BetType.SPREAD:
        low, high, means = -max(-low, high), max(-low, high), -means
    integers: FloatArray = np.arange(low, high + 1, dtype=np.float64)
    expected = _expected_games(means, sd, integers)
    observed = np.bincount((x - low).astype(np.int64), minlength=len(integers)).astype(float)
    if bet_type is BetType.SPREAD:
        expected, observed = _by_size(expected), _by_size(observed)
    weights = (observed + prior) / (expected + prior)
    return MarginDistribution(bet_type, sd, tuple(weights.tolist()), int(low))


def learn_sd(
    bet_type: BetType, outcomes: npt.ArrayLike, lines: npt.ArrayLike, start: float, prior: float = PRIOR_SPREAD_GAMES
) -> float:
    """Return how far outcomes scatter around their closing lines, in points, shrunk toward the value `start`.

    The root of the mean squared distance over (n,) outcomes and lines as in `learn_key_numbers`, in which `start`
    weighs like `prior` games. Rows with NaN are left out; without any it is `start`.
    """
    x, means = np.asarray(outcomes, float), np.asarray(lines, float)
    away = x + means if bet_type is BetType.SPREAD else x - means
    away = away[~np.isnan(away)]
    return float(np.sqrt((prior * start**2 + np.sum(away**2)) / (prior + len(away))))


def _expected_games(means: FloatArray, sd: float, integers: FloatArray) -> FloatArray:
    """Return how many games the normal puts on each integer; equal lines are counted once and multiplied."""
    distinct, games = np.unique(means, return_counts=True)
    return np.asarray(games @ integer_mass(distinct, sd, integers), dtype=np.float64)


def _by_size(counts: FloatArray) -> FloatArray:
    """Return counts over −r … r with k and −k pooled; 0, which has no partner, stays itself."""
    pooled = counts + counts[::-1]
    pooled[len(counts) // 2] /= 2
    return pooled
