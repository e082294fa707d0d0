"""Prices of simulated bookmakers: paths from the opening to the close whose error against the truth shrinks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit, ndtr
from scipy.stats import poisson, skellam

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
class MarketFigures:
    """How books price a sport: spread of margins and totals, and `priors` (mean, spread of what is expected).

    A book's error falls from `opening` to `closing` times the prior's spread. `counts`: goals are counted
    (Poisson), else margins and totals are normal. `fixed_spread`: the one handicap offered, the favourite gives
    it. `three_way`: a moneyline has a draw. `quarters`: lines come in quarters of a goal. `skew`: how far the median
    total lies below its mean.
    """

    margin_sd: float
    total_sd: float
    priors: Mapping[BetType, tuple[float, float]]
    opening: float = 0.38
    closing: float = 0.15
    counts: bool = False
    quarters: bool = False
    fixed_spread: float | None = None
    three_way: bool = False
    skew: float = 0.0


NFL = MarketFigures(SCORE_SD, SCORE_SD, PRIORS, OPENING_SD / 6.6, CLOSING_SD / 6.6)


@dataclass(frozen=True)
class Estimates:
    """What the books believe, shape (games, books, quotes): times before kick-off, margin and total."""

    lead_seconds: npt.NDArray[np.int64]
    margin: FloatArray
    total: FloatArray


def bookmakers(count: int) -> tuple[Book, ...]:
    """Return `count` books, the first two of them sharp."""
    return tuple(Book(f"Sim Book {number}", is_sharp=number <= 2) for number in range(1, count + 1))


def quote_paths(
    rng: np.random.Generator, games: pd.DataFrame, books: tuple[Book, ...], figures: MarketFigures = NFL
) -> pd.DataFrame:
    """Return all quotes (QUOTE_COLUMNS) of `books` on `games`.

    `games` has game, kickoff, season_type and the truth: expected_margin and expected_total in points.
    """
    sharp = np.array([book.is_sharp for book in books])
    believed = _estimates(rng, games, sharp, figures)
    margins = np.where(sharp, rng.uniform(0.02, 0.03, len(books)), rng.uniform(0.035, 0.06, len(books)))
    keys = _keys(games, books, believed.lead_seconds)
    frames = []
    for market, line, sides in _offers(believed, figures):
        # the margin is a shift in logits, so that no price becomes impossible
        spread = sum((chance * (1 - chance) for chance in sides.values()), np.zeros(believed.margin.shape))
        two_way = logit((1 + margins) / 2)[None, :, None]
        shift = two_way if len(sides) == 2 else margins[None, :, None] / spread.clip(0.1)
        frames += [_side(keys, market, side, chance, line, shift) for side, chance in sides.items()]
    return conform(pd.concat(frames, ignore_index=True), QUOTE_COLUMNS)


def _offers(
    believed: Estimates, figures: MarketFigures
) -> list[tuple[BetType, FloatArray | None, dict[Selection, FloatArray]]]:
    """Return each market with the reference side's line and the chances of its sides."""
    margin, total = believed.margin, believed.total
    parts = 4 if figures.quarters else 2
    if figures.fixed_spread is None:
        spread = -_to_part(margin, parts)
    else:
        spread = -np.where(margin < 0, -1, 1) * figures.fixed_spread
    goals = figures.counts and not figures.quarters
    over = np.floor(total) + 0.5 if goals else _to_part(total - figures.skew, parts)
    if figures.counts:
        home, draw, cover, above = _counted(margin, total, spread, over)
    else:
        home, draw = ndtr(margin / figures.margin_sd), np.zeros(margin.shape)
        cover = ndtr((margin + spread) / figures.margin_sd)
        above = ndtr((total - figures.skew - over) / figures.total_sd)
    if figures.three_way:
        moneyline = {Selection.HOME: home, Selection.DRAW: draw, Selection.AWAY: 1 - home - draw}
    else:  # a level score is decided by a coin
        moneyline = {Selection.HOME: home + draw / 2, Selection.AWAY: 1 - home - draw / 2}
    return [
        (BetType.MONEYLINE, None, moneyline),
        (BetType.SPREAD, spread, {Selection.HOME: cover, Selection.AWAY: 1 - cover}),
        (BetType.TOTAL, over, {Selection.OVER: above, Selection.UNDER: 1 - above}),
    ]


def _counted(
    margin: FloatArray, total: FloatArray, spread: FloatArray, over: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return P(home win), P(draw), P(home covers) and P(over) of Poisson goals, both of the stake that is decided."""
    total = np.maximum(total, 0.6)
    margin = margin.clip(-0.9 * total, 0.9 * total)
    home, away = (total + margin) / 2, (total - margin) / 2
    win, level = skellam.sf(0, home, away), skellam.pmf(0, home, away)
    cover = _decided(-spread, lambda k: (skellam.sf(k, home, away), skellam.pmf(k, home, away)))
    return win, level, cover, _decided(over, lambda k: (poisson.sf(k, total), poisson.pmf(k, total)))


def _decided(threshold: FloatArray, chances: Callable[[FloatArray], tuple[FloatArray, FloatArray]]) -> FloatArray:
    """Return P(above the threshold) of the stake that does not come back; a quarter line is half on either neighbour.

    `chances` gives P(> k) and P(= k) of whole numbers k.
    """
    above, pushed = np.zeros(threshold.shape), np.zeros(threshold.shape)
    split = np.where(np.mod(threshold * 4, 2) == 1, 0.25, 0.0)
    for half in (threshold - split, threshold + split):
        k = np.floor(half)
        more, level = chances(k)
        above += more / 2
        pushed += np.where(k == half, level, 0.0) / 2
    return above / (1 - pushed)


def _estimates(
    rng: np.random.Generator, games: pd.DataFrame, sharp: npt.NDArray[np.bool_], figures: MarketFigures
) -> Estimates:
    shape = (len(games), len(sharp), len(LEADS_HOURS) + 1)
    shorter = np.where(games["season_type"] == "postseason", POSTSEASON_SHORTER, 1.0)[:, None, None]
    early = LEADS_HOURS * shorter * rng.uniform(0.9, 1.1, (*shape[:2], len(LEADS_HOURS))) * 3600
    close = rng.uniform(60, 600, (*shape[:2], 1))
    leads = np.rint(np.concatenate([early, close], axis=2)).astype(np.int64)
    margin, total = (
        _path(rng, games[f"expected_{name}"].to_numpy("float64"), sharp, shape[2], (figures, market))
        for name, market in (("margin", BetType.SPREAD), ("total", BetType.TOTAL))
    )
    return Estimates(leads, margin, total)


def _path(
    rng: np.random.Generator,
    truth: FloatArray,
    sharp: npt.NDArray[np.bool_],
    quotes: int,
    priced: tuple[MarketFigures, BetType],
) -> FloatArray:
    """Return estimates that lose error from quote to quote, drawn to the prior as a Bayesian's would be."""
    figures, market = priced
    mean, sd = figures.priors[market]
    shape, scale = (len(truth), len(sharp), quotes), figures.priors[BetType.SPREAD][1]
    variances = np.linspace((figures.opening * scale) ** 2, (figures.closing * scale) ** 2, quotes)
    steps = np.sqrt(np.append(variances[:-1] - variances[1:], variances[-1]))
    own = np.where(sharp, 0.5, 1.0)[None, :, None] * np.sqrt(1 - SHARED) * rng.standard_normal(shape)
    noise = np.sqrt(SHARED) * rng.standard_normal((shape[0], 1, shape[2])) + own
    error = np.cumsum((noise * steps)[:, :, ::-1], axis=2)[:, :, ::-1]
    belief = sd**2 / (sd**2 + SHARED * variances)  # what is each book's own averages out over books
    moved: FloatArray = mean + belief * (truth[:, None, None] + error - mean)
    return moved


def _to_part(points: FloatArray, parts: int) -> FloatArray:
    """Return the nearest half (2 `parts`) or quarter (4) of a point."""
    rounded: FloatArray = np.rint(points * parts) / parts
    return rounded


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


def _side(
    keys: pd.DataFrame,
    market: BetType,
    selection: Selection,
    chance: FloatArray,
    line: FloatArray | None,
    shift: FloatArray,
) -> pd.DataFrame:
    """Return the quotes of one side of a market; `line` is the reference side's, `shift` the margin in logits."""
    price = decimal_to_american(1 / expit(logit(np.clip(chance, 0.02, 0.98)) + shift)).astype(np.int64).ravel()
    signed = None if line is None else (line if selection is not Selection.AWAY else -line).ravel() + 0.0
    frame = keys.assign(market=market.value, selection=selection.value, price=price)
    return frame.assign(line=pd.Series(signed, index=keys.index, dtype="Float64"))
