"""Venn-Abers intervals: what the calibrated probability is if the next game is lost, and if it is won.

The inductive form of Vovk, Petej and Fedorova (2015): for every score the isotonic fit of the calibration rows
and the new game, once with outcome 0 and once with 1, for all scores together in one pass.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from aipro_ml.calibration.base import Scores
from aipro_ml.calibration.document import Documented, read_document
from aipro_ml.errors import ArtifactError

Steps = tuple[tuple[float, float], ...]
"""(score, probability) of a step function, scores rising; only where the probability changes."""
_Point = tuple[float, float]


@dataclass(frozen=True)
class VennAbers(Documented):
    """The interval [p0, p1] of a score: `lower` steps hold from their score on, `upper` steps up to it.

    Below all lower steps p0 is 0, above all upper steps p1 is 1: no game like that was ever seen.
    """

    lower: Steps = ()
    upper: Steps = ()
    n: int = 0

    def fit(self, scores: Scores, outcomes: Scores, weights: Scores | None = None) -> Self:
        """Return the intervals of out-of-fold scores and 0/1 outcomes, both shape (n,).

        `weights` (n,): a half-decided row is half a game. The new game is a whole one.
        """
        x, group = np.unique(np.asarray(scores, dtype=np.float64), return_inverse=True)
        weight = np.ones(len(group)) if weights is None else np.asarray(weights, dtype=np.float64)
        rows = np.bincount(group, weight).astype("float64")
        won = np.bincount(group, np.asarray(outcomes, dtype=np.float64) * weight).astype("float64")
        upper = _won(rows, won)
        # seen from the other side a lost game is a won one
        lower = 1.0 - _won(rows[::-1], (rows - won)[::-1])[::-1]
        return type(self)(_steps(x, lower, first=True), _steps(x, upper, first=False), len(group))

    def interval(self, scores: Scores) -> tuple[Scores, Scores]:
        """Return p0 and p1 of each score, both shape (n,), p0 < p1; both rise with the score."""
        asked = np.asarray(scores, dtype=np.float64)
        x0, p0 = np.array(self.lower, dtype=np.float64).reshape(-1, 2).T
        x1, p1 = np.array(self.upper, dtype=np.float64).reshape(-1, 2).T
        low = np.concatenate([[0.0], p0])[np.searchsorted(x0, asked, side="right")]
        high = np.concatenate([p1, [1.0]])[np.searchsorted(x1, asked, side="left")]
        return low, high

    @property
    def document(self) -> dict[str, Any]:
        """Return the intervals as a JSON-able mapping."""
        steps = {"lower": [list(step) for step in self.lower], "upper": [list(step) for step in self.upper]}
        return {"interval": "venn_abers", "format": 1, **steps, "n": self.n}


@dataclass(frozen=True)
class OutcomeIntervals(Documented):
    """Intervals of three outcomes, each against the others."""

    parts: tuple[VennAbers, ...] = (VennAbers(),) * 3

    def fit(self, scores: Scores, outcomes: Scores, weights: Scores | None = None) -> Self:
        """Return the intervals of out-of-fold probabilities (n, 3) and the columns that happened, (n,)."""
        fitted = (
            part.fit(scores[:, j], (outcomes == j).astype("float64"), weights) for j, part in enumerate(self.parts)
        )
        return type(self)(tuple(fitted))

    def interval(self, scores: Scores) -> tuple[Scores, Scores]:
        """Return p0 and p1 of each outcome, both shape (n, 3); they need not sum to anything."""
        found = [part.interval(scores[:, j]) for j, part in enumerate(self.parts)]
        return np.column_stack([low for low, _ in found]), np.column_stack([high for _, high in found])

    @property
    def document(self) -> dict[str, Any]:
        """Return the intervals as a JSON-able mapping."""
        return {"interval": "venn_abers_outcomes", "format": 1, "parts": [part.document for part in self.parts]}


Interval = VennAbers | OutcomeIntervals


def load_venn_abers(path: Path) -> Interval:
    """Return the intervals in the JSON file `path`; ArtifactError where it is missing or damaged."""
    document = read_document(path)
    try:
        if document["interval"] == "venn_abers_outcomes":
            return OutcomeIntervals(tuple(_from_document(part) for part in document["parts"]))
        return _from_document(document)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"{path}: damaged interval ({error}); calibrate the model again") from error


def _from_document(document: Any) -> VennAbers:
    if document["interval"] != "venn_abers":
        raise ValueError("not Venn-Abers intervals")
    return VennAbers(_read(document["lower"]), _read(document["upper"]), int(document["n"]))


def _read(steps: Any) -> Steps:
    return tuple((float(x), float(p)) for x, p in steps)


def _steps(x: Scores, p: Scores, *, first: bool) -> Steps:
    """Return the first or the last score of each run of equal probabilities."""
    change = np.diff(p) != 0
    kept = np.concatenate([[True], change]) if first else np.concatenate([change, [True]])
    return tuple(zip(x[kept].tolist(), p[kept].tolist(), strict=True))


def _won(rows: Scores, won: Scores) -> Scores:
    """Return for each score, shape (k,), the isotonic fit there after one won game more at that score.

    The slope, at the new game, of the greatest convex minorant of the cumulated outcomes. The game is moved
    from the lowest score to the highest; `hull` keeps the minorant's corners from it on, the nearest last.
    """
    points = [(-1.0, -1.0), (0.0, 0.0), *zip(np.cumsum(rows).tolist(), np.cumsum(won).tolist(), strict=True)]
    hull: list[_Point] = []
    for point in reversed(points):
        _push(hull, point)
    p = np.empty(len(rows))
    for i in range(len(rows)):
        p[i] = _slope(hull[-1], hull[-2])
        # the game changes places with the rows of score i: the corner between the two moves
        left, corner, right = points[i : i + 3]
        moved = (left[0] + right[0] - corner[0], left[1] + right[1] - corner[1])
        points[i + 1] = moved
        if _cross(hull[-1], hull[-2], moved) < 0:
            hull.pop()
            _push(hull, moved)
    return p


def _push(hull: list[_Point], point: _Point) -> None:
    """Put `point`, left of all others, on the hull: corners that lie on or above the new edge go."""
    while len(hull) > 1 and _cross(point, hull[-1], hull[-2]) <= 0:
        hull.pop()
    hull.append(point)


def _cross(a: _Point, b: _Point, c: _Point) -> float:
    """Return the turn a → b → c: positive to the left; exact, for the coordinates are whole numbers or halves."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _slope(a: _Point, b: _Point) -> float:
    return (b[1] - a[1]) / (b[0] - a[0])
