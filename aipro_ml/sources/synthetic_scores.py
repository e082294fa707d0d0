"""Final scores of simulated games from what is expected of both sides: drives, goals, runs and baskets."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Score = Callable[[np.random.Generator, FloatArray], tuple[IntArray, BoolArray]]
"""(chance, expected points (2, games)) → points (2, games) and which went to overtime."""

FOOTBALL_SD = 12.7
"""Spread of a simulated football game's margin and total around what is expected of them, in points."""

FIELD_GOAL_CHANCE = 0.17
TOUCHDOWN_POINTS = 6.98
"""Mean of a touchdown with its extra point: 7 mostly, 6 in 6 %, 8 in 4 %."""

BASKETBALL_SD = (12.0, 17.5)
"""Spread of a basketball game's margin and total around what is expected of them, in points."""

RUN_SHAPE = 4.0
"""Runs of a side are Poisson with a gamma mean of this shape: they come in bunches, and vary more than Poisson's."""


def football(rng: np.random.Generator, expected: FloatArray, *, ties: bool = False) -> tuple[IntArray, BoolArray]:
    """Return points from drives that end in touchdowns or field goals; with `ties` a few games stay level."""
    drives = np.broadcast_to(rng.integers(10, 13, expected.shape[1]), expected.shape)
    touchdown_chance = (expected / drives - 3 * FIELD_GOAL_CHANCE) / TOUCHDOWN_POINTS
    touchdowns = rng.binomial(drives, touchdown_chance.clip(0.02, 0.8))
    field_goals = rng.binomial(drives - touchdowns, FIELD_GOAL_CHANCE / (1 - touchdown_chance))
    plain = rng.binomial(touchdowns, 0.90)
    two_points = rng.binomial(touchdowns - plain, 0.4)
    points = 3 * field_goals + 6 * touchdowns + plain + 2 * two_points
    overtime = points[0] == points[1]
    # Overtime goes to the likelier side a little more often, by a field goal or a touchdown; few stay tied
    favoured = rng.normal((expected[0] - expected[1]) / FOOTBALL_SD) > 0
    gain = np.where(rng.random(len(overtime)) < 0.55, 3, 6)
    decided = overtime & ((rng.random(len(overtime)) > 0.05) | (not ties))
    points[0] += np.where(decided & favoured, gain, 0)
    points[1] += np.where(decided & ~favoured, gain, 0)
    return points, overtime


def basketball(rng: np.random.Generator, expected: FloatArray) -> tuple[IntArray, BoolArray]:
    """Return points with normal margins and totals; level games get an overtime that somebody wins."""
    games = expected.shape[1]
    margin = expected[0] - expected[1] + BASKETBALL_SD[0] * rng.standard_normal(games)
    total = expected.sum(axis=0) + BASKETBALL_SD[1] * rng.standard_normal(games)
    points = np.rint(np.stack([total + margin, total - margin]) / 2).astype(np.int64).clip(60)
    overtime = points[0] == points[1]
    played = rng.integers(6, 14, games)
    return _decide(rng, points + np.where(overtime, played, 0), overtime, expected, 8), overtime


def hockey(rng: np.random.Generator, expected: FloatArray) -> tuple[IntArray, BoolArray]:
    """Return Poisson goals; who wins the overtime or the shootout of a level game gets one more."""
    points = rng.poisson(expected).astype(np.int64)
    overtime = points[0] == points[1]
    return _decide(rng, points, overtime, expected, 1), overtime


def baseball(rng: np.random.Generator, expected: FloatArray) -> tuple[IntArray, BoolArray]:
    """Return negative binomial runs; extra innings end by one to three runs."""
    points = rng.poisson(rng.gamma(RUN_SHAPE, expected / RUN_SHAPE)).astype(np.int64)
    overtime = points[0] == points[1]
    return _decide(rng, points, overtime, expected, 3), overtime


def soccer(rng: np.random.Generator, expected: FloatArray) -> tuple[IntArray, BoolArray]:
    """Return Poisson goals; a draw stays one."""
    points = rng.poisson(expected).astype(np.int64)
    return points, np.zeros(expected.shape[1], dtype=np.bool_)


def _decide(rng: np.random.Generator, points: IntArray, level: BoolArray, expected: FloatArray, most: int) -> IntArray:
    """Return the points with level games won by 1 to `most`, a little more often by the side expected to."""
    games = points.shape[1]
    favoured = rng.random(games) < 0.5 + 0.4 * (expected[0] - expected[1]) / expected.sum(axis=0)
    gain = np.where(level, rng.integers(1, most + 1, games), 0)
    after: IntArray = points + np.stack([np.where(favoured, gain, 0), np.where(favoured, 0, gain)])
    return after
