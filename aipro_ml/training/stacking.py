"""Stacking: probabilities pooled in log-odds, with coefficients learned on out-of-fold rows of earlier seasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from aipro_ml.errors import UsageError
from aipro_ml.metrics.conditional_logit import Problem, fit_conditional_logit
from aipro_ml.training.base import Probabilities
from aipro_ml.training.oof import Floats, market_rows, outcomes_seen, probabilities, weights

MINIMUM_ROWS = 200
"""Fewer earlier rows than this leave the coefficients where the prior has them."""

PRIOR_SD = 0.5
"""How far a coefficient is believed to lie from the prior's centre; members that say the same share what they say."""

EPSILON = 1e-6


@dataclass(frozen=True)
class Pool:
    """A logarithmic opinion pool: p of an outcome ∝ Π p_i ** coef_i; of two outcomes a sum of log-odds.

    `se`: standard errors, None where the coefficients are the prior's. `n`: rows they were learned on.
    """

    coef: tuple[float, ...]
    se: tuple[float, ...] | None = None
    n: int = 0

    def mix(self, said: Sequence[Probabilities]) -> Probabilities:
        """Return the pooled probabilities (n, k) of the members' (n, k), in the order of the coefficients."""
        scores = _logs(said) @ np.asarray(self.coef)
        scores -= scores.max(axis=1, keepdims=True)
        p = np.clip(np.exp(scores), EPSILON, None)
        return np.asarray(p / p.sum(axis=1, keepdims=True), dtype=np.float64)

    def rows(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Return a row a member: its name, coefficient and standard error."""
        errors: Sequence[float | None] = self.se or [None] * len(self.coef)
        return [
            {"of": name, "coefficient": coef, "se": se, "n": self.n}
            for name, coef, se in zip(names, self.coef, errors, strict=True)
        ]


@dataclass(frozen=True)
class Stacked:
    """A walk-forward pool: its out-of-fold frame, and the pool learned on all rows, which serves from now on."""

    oof: pd.DataFrame
    pool: Pool


def average_of(members: int) -> tuple[float, ...]:
    """Return the prior's centre of a stack: every member counts the same."""
    return (1.0 / members,) * members


MARKET_ALONE = (0.0, 1.0)
"""The prior's centre of the market blend: what the market says, unless the games say otherwise (Benter 1994)."""


def stack(oofs: Mapping[str, pd.DataFrame]) -> Stacked:
    """Return the walk-forward stack of the members' out-of-fold frames, on the games all of them have.

    Coefficients are never negative: a member that would subtract is left out and the others are learned anew.
    """
    if len(oofs) < 2:
        raise UsageError(f"a stack needs two members or more, there are {len(oofs)}")
    games = reduce(lambda kept, oof: kept[kept.isin(oof.index)], oofs.values(), next(iter(oofs.values())).index)
    frames = [oof.loc[games] for oof in oofs.values()]
    return _walk_forward(frames[0], [probabilities(frame) for frame in frames], average_of(len(frames)), positive=True)


def market_blend(oof: pd.DataFrame) -> Stacked | None:
    """Return the walk-forward blend of a frame and its market; None where no game has a market probability."""
    market = market_rows(oof)
    if market.empty:
        return None
    known = oof.loc[market.index]
    return _walk_forward(known, [probabilities(known), probabilities(market)], MARKET_ALONE, positive=False)


def _walk_forward(
    frame: pd.DataFrame, said: list[Probabilities], centre: tuple[float, ...], *, positive: bool
) -> Stacked:
    """Return each season pooled by coefficients of the seasons before it."""
    seasons = frame["season"].to_numpy("int64")
    mixed = np.empty_like(said[0])
    for season in np.unique(seasons):
        now = seasons == season
        mixed[now] = _fitted(frame, said, seasons < season, (centre, positive)).mix([p[now] for p in said])
    pooled = frame.assign(p=mixed[:, 0])
    if mixed.shape[1] > 2:
        pooled = pooled.assign(p_draw=mixed[:, 1])
    return Stacked(pooled, _fitted(frame, said, np.full(len(frame), fill_value=True), (centre, positive)))


def _fitted(frame: pd.DataFrame, said: list[Probabilities], rows: Any, prior: tuple[tuple[float, ...], bool]) -> Pool:
    part = frame.loc[rows]
    return fit_pool([p[rows] for p in said], outcomes_seen(part), weights(part), *prior)


def fit_pool(
    said: Sequence[Probabilities],
    seen: Any,
    weight: Floats | None,
    centre: tuple[float, ...],
    positive: bool = True,
) -> Pool:
    """Return the most probable pool of members' probabilities, each (n, k), for the outcomes `seen` (n,).

    A conditional logit with a Gaussian prior around `centre`; below MINIMUM_ROWS rows the centre itself.
    `positive`: no coefficient below zero.
    """
    n, kept = len(seen), list(range(len(said)))
    if n < MINIMUM_ROWS:
        return Pool(centre, None, n)
    logs = _logs(said)
    weight = np.ones(n) if weight is None else weight
    while True:
        coef, se = fit_conditional_logit(
            Problem(logs[:, :, kept], seen, weight, np.asarray(centre)[kept], 1 / PRIOR_SD**2)
        )
        if not positive or coef.min() >= 0 or len(kept) == 1:
            break
        kept.pop(int(coef.argmin()))
    full, errors = np.zeros(len(said)), np.zeros(len(said))
    full[kept], errors[kept] = np.maximum(coef, 0.0) if positive else coef, se
    return Pool(tuple(full.tolist()), tuple(errors.tolist()), n)


def _logs(said: Sequence[Probabilities]) -> Floats:
    """Return the members' log probabilities, shape (n, k, m)."""
    return np.log(np.clip(np.stack(said, axis=-1), EPSILON, 1.0))
