"""Prices of simulated bookmakers: paths from the opening to the close whose error against the truth shrinks."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit, ndtr

from aipro_ml.betting.odds import decimal_to_american
from aipro_ml.enums import BetType, Selection
from aipro_ml.sources.base import QUOTE_COLUMNS, Book, conform

FloatArray = npt.NDArray[np.float64]

LEADS_HOURS = np.array([144.0, 96.0, 48.0, 20.0, 5.0])
"""How long before kick-off a book quotes; the close follows 1 to 10 minutes before it."""

POSTSEASON_SHORTER = 0.5
"""A play-off pairing is known only after the round before."""

OPENING_SD, CLOSING_SD = 2.5, 1.0
"""Error of a book's estimate against the truth, in points."""

SHARED = 0.85
"""Share of the error's variance that all books have in common."""

SCORE_SD = 12.7
"""Spread of simulated margins and totals around what is expected of them, in points."""

PRIORS = {BetType.SPREAD: (2.0, 6.6), BetType.TOTAL: (44.4, 6.5)}
"""Mean and standard deviation, in points, of expected margins and totals over all games."""


@dataclass(frozen=True)
class Estimates:
    """What the books believe, shape (games, books, quotes): times before kick-off, margin and total."""

    lead_seconds: npt.NDArray[np.int64]
    margin: FloatArray
    total: FloatArray


def bookmakers(count: int) -> tuple[Book, ...]:
    """Return `count` books, the first two of them sharp."""
    return tuple(Book(f"Sim Book {number}", is_sharp=number <= 2) for number in range(1, count + 1))


def quote_paths(rng: np.random.Generator, games: pd.DataFrame, books: tuple[Book, ...]) -> pd.DataFrame:
    """Return all quotes (QUOTE_COLUMNS) of `books` on `games`.

    `games` has game, kickoff, season_type and the truth: expected_margin and expected_total in points.
    """
    sharp = np.array([book.is_sharp for book in books])
    believed = _estimates(rng, games, sharp)
    margins = np.where(sharp, rng.uniform(0.02, 0.03, len(books)), rng.uniform(0.035, 0.06, len(books)))
    shift = logit((1 + margins) / 2)[None, :, None]
    home_line = -_to_half(believed.margin)
    total_line = _to_half(believed.total)
    keys = _keys(games, books, believed.lead_seconds)
    chances = (
        (BetType.MONEYLINE, ndtr(believed.margin / SCORE_SD), None),
        (BetType.SPREAD, ndtr((believed.margin + home_line) / SCORE_SD), home_line),
        (BetType.TOTAL, ndtr((believed.total - total_line) / SCORE_SD), total_line),
    )
    sides = [_sides(keys, market, chance, line, shift) for market, chance, line in chances]
    return conform(pd.concat([frame for pair in sides for frame in pair], ignore_index=True), QUOTE_COLUMNS)


def _estimates(rng: np.random.Generator, games: pd.DataFrame, sharp: npt.NDArray[np.bool_]) -> Estimates:
    shape = (len(games), len(sharp), len(LEADS_HOURS) + 1)
    shorter = np.where(games["season_type"] == "postseason", POSTSEASON_SHORTER, 1.0)[:, None, None]
    early = LEADS_HOURS * shorter * rng.uniform(0.9, 1.1, (*shape[:2], len(LEADS_HOURS))) * 3600
    close = rng.uniform(60, 600, (*shape[:2], 1))
    leads = np.rint(np.concatenate([early, close], axis=2)).astype(np.int64)
    margin, total = (
        _path(rng, games[f"expected_{name}"].to_numpy("float64"), shape, sharp, PRIORS[market])
        for name, market in (("margin", BetType.SPREAD), ("total", BetType.TOTAL))
    )
    return Estimates(leads, margin, total)


def _path(
    rng: np.random.Generator,
    truth: FloatArray,
    shape: tuple[int, int, int],
    sharp: npt.NDArray[np.bool_],
    prior: tuple[float, float],
) -> FloatArray:
    """Return estimates that lose error from quote to quote, drawn to the prior as a Bayesian's would be."""
    variances = np.linspace(OPENING_SD**2, CLOSING_SD**2, shape[2])
    steps = np.sqrt(np.append(variances[:-1] - variances[1:], variances[-1]))
    own = np.where(sharp, 0.5, 1.0)[None, :, None] * np.sqrt(1 - SHARED) * rng.standard_normal(shape)
    noise = np.sqrt(SHARED) * rng.standard_normal((shape[0], 1, shape[2])) + own
    error = np.cumsum((noise * steps)[:, :, ::-1], axis=2)[:, :, ::-1]
    mean, sd = prior
    belief = sd**2 / (sd**2 + SHARED * variances)  # what is each book's own averages out over books
    moved: FloatArray = mean + belief * (truth[:, None, None] + error - mean)
    return moved


def _to_half(points: FloatArray) -> FloatArray:
    halves: FloatArray = np.rint(points * 2) / 2
    return halves


def _keys(games: pd.DataFrame, books: tuple[Book, ...], leads: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Return game, book and time of each quote, in the order of the flattened estimates."""
    count, per_game = leads.shape[2], leads.shape[1] * leads.shape[2]
    names = pd.Series([book.name for book in books], dtype="string")
    kickoff = games["kickoff"].repeat(per_game).reset_index(drop=True)
    return pd.DataFrame(
        {
            "game": games["game"].repeat(per_game).reset_index(drop=True),
            "book": names.iloc[np.tile(np.arange(len(books)).repeat(count), len(games))].reset_index(drop=True),
            "recorded_at": kickoff - pd.Series(leads.ravel().astype("timedelta64[s]")),
        }
    )


def _sides(
    keys: pd.DataFrame, market: BetType, chance: FloatArray, line: FloatArray | None, shift: FloatArray
) -> list[pd.DataFrame]:
    """Return both sides of a market; the margin is a shift in logits, so no price becomes impossible."""
    reference, other = (
        (Selection.OVER, Selection.UNDER) if market is BetType.TOTAL else (Selection.HOME, Selection.AWAY)
    )
    odds = logit(np.clip(chance, 0.02, 0.98))
    frames = []
    for selection, side in ((reference, odds), (other, -odds)):
        price = decimal_to_american(1 / expit(side + shift)).astype(np.int64).ravel()
        signed = None if line is None else (line if selection is not Selection.AWAY else -line).ravel() + 0.0
        frame = keys.assign(market=market.value, selection=selection.value, price=price)
        frames.append(frame.assign(line=pd.Series(signed, index=keys.index, dtype="Float64")))
    return frames
