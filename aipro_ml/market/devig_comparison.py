"""Which way of taking the margin out predicts best: log losses of every method on the same settled games."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.betting.consensus import consensus
from aipro_ml.betting.settlement import MarketRule, outcomes_of, settle_scores
from aipro_ml.config import SportConfig
from aipro_ml.enums import REFERENCE_SIDE, BetType, DevigMethod
from aipro_ml.metrics import LOG_LOSS_CLIP, block_bootstrap_interval

BANDS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0)
"""Edges of the favourite–longshot bands, in multiplicative probability of an outcome."""

FEWEST_GAMES = 30
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MethodScore:
    """A method's log loss (nats a settled bet) and its mean difference to the reference, 95 % interval."""

    method: DevigMethod
    n: int
    log_loss: float
    difference: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class Band:
    """Outcomes of one band: how many, how often they happened (standard error), each method's mean probability.

    `se` is NaN where all of them ended alike: so few say nothing of their own uncertainty.
    """

    low: float
    high: float
    n: int
    happened: float
    se: float
    mean_probability: dict[DevigMethod, float]


@dataclass(frozen=True)
class DevigComparison:
    """All methods on the same games of one market; `verdict` says which is best, or that none is."""

    bet_type: BetType
    reference: DevigMethod
    games: int
    pushes: int
    overround: float
    scores: tuple[MethodScore, ...]
    bands: tuple[Band, ...]
    verdict: str


def compare_methods(
    quotes: pd.DataFrame, games: pd.DataFrame, bet_type: BetType, config: SportConfig, *, seed: int
) -> DevigComparison | None:
    """Return the comparison on the games that every method can price, None where there are fewer than 30.

    `quotes`: QUOTE_COLUMNS of `closing` that stood together. `games`: index game_id; columns kickoff (UTC),
    home_score, away_score of finished games. The probability is the consensus' over books. Pushes are out;
    a quarter line's half push counts half. Differences are paired by game against the sport's own method, in
    blocks of calendar weeks.
    """
    own = quotes.loc[(quotes["market"] == bet_type.value) & quotes["game_id"].isin(games.index)]
    tables = {method: consensus(own, method, three_way=config.three_way) for method in DevigMethod}
    first = tables[DevigMethod.MULTIPLICATIVE]
    rule = MarketRule(config.moneyline)
    results = games.reindex(first["game_id"])
    happened, weight = _outcomes(bet_type, rule, first["line"].to_numpy("float64"), results)
    chances = {method: _chances(table, happened.shape[1]) for method, table in tables.items()}
    known = ~np.any([np.isnan(chance).any(axis=1) for chance in chances.values()], axis=0) & ~np.isnan(weight)
    scored = known & (weight > 0)
    if scored.sum() < FEWEST_GAMES:
        return None
    weeks = results["kickoff"].dt.floor("7D").to_numpy()[scored]
    kept = {method: chance[scored] for method, chance in chances.items()}
    scores = _scores(kept, (happened[scored], weight[scored], weeks), config.devig, seed)
    return DevigComparison(
        bet_type=bet_type,
        reference=config.devig,
        games=int(scored.sum()),
        pushes=int((known & (weight == 0)).sum()),
        overround=float(first["overround"].to_numpy()[scored].mean()),
        scores=scores,
        bands=_bands(kept, happened[scored], weight[scored]),
        verdict=_verdict(scores, config.devig),
    )


def _outcomes(
    bet_type: BetType, rule: MarketRule, line: FloatArray, results: pd.DataFrame
) -> tuple[FloatArray, FloatArray]:
    """Return which outcome happened (n, k), and the share of the stake it decided (n,): 1, .5, 0 a push, NaN."""
    home, away = results["home_score"].to_numpy("float64"), results["away_score"].to_numpy("float64")
    if bet_type is BetType.MONEYLINE and rule is MarketRule.THREE_WAY:
        sides = outcomes_of(bet_type, rule)
        scores = np.column_stack([settle_scores(bet_type, side, None, home, away, rule) for side in sides])
        return (scores > 0).astype("float64"), np.where(np.isnan(scores[:, 0]), np.nan, 1.0)
    # the line is the reference side's: what it does not win the other side does
    score = settle_scores(bet_type, REFERENCE_SIDE[bet_type], line, home, away, rule)
    return np.column_stack([score > 0, score < 0]).astype("float64"), np.abs(score)


def _chances(table: pd.DataFrame, outcomes: int) -> FloatArray:
    fair, draw = table["fair"].to_numpy("float64"), table["fair_draw"].to_numpy("float64")
    if outcomes == 2:
        return np.column_stack([fair, 1 - fair])
    return np.column_stack([fair, draw, 1 - fair - draw])


def _scores(
    chances: dict[DevigMethod, FloatArray],
    truth: tuple[FloatArray, FloatArray, npt.NDArray[np.datetime64]],
    reference: DevigMethod,
    seed: int,
) -> tuple[MethodScore, ...]:
    happened, weight, weeks = truth
    weight = weight / weight.mean()
    losses = {
        method: -weight * np.log(np.clip((chance * happened).sum(axis=1), LOG_LOSS_CLIP, 1))
        for method, chance in chances.items()
    }
    scores = []
    for method, loss in losses.items():
        difference = loss - losses[reference]
        low, high = block_bootstrap_interval(difference, weeks, seed=seed)
        scores.append(MethodScore(method, len(loss), float(loss.mean()), float(difference.mean()), low, high))
    return tuple(sorted(scores, key=lambda score: score.log_loss))


def _verdict(scores: tuple[MethodScore, ...], reference: DevigMethod) -> str:
    better = [score.method.value for score in scores if score.ci_high < 0 and score.method is not reference]
    worse = [score.method.value for score in scores if score.ci_low > 0 and score.method is not reference]
    behind = f"; behind {reference.value}: {', '.join(worse)}" if worse else ""
    if better:
        return f"better than {reference.value}: {', '.join(better)}{behind}"
    return f"none is better than {reference.value} within its uncertainty{behind}"


def _bands(chances: dict[DevigMethod, FloatArray], happened: FloatArray, weight: FloatArray) -> tuple[Band, ...]:
    """Return, over all outcomes of all games, what was said and what happened by size of the probability."""
    size = chances[DevigMethod.MULTIPLICATIVE].ravel()
    truth, weights = happened.ravel(), np.repeat(weight, happened.shape[1])
    band = np.clip(np.searchsorted(BANDS, size, side="right") - 1, 0, len(BANDS) - 2)
    found = []
    for number in np.unique(band):
        rows = band == number
        share = float(np.average(truth[rows], weights=weights[rows]))
        means = {
            method: float(np.average(chance.ravel()[rows], weights=weights[rows])) for method, chance in chances.items()
        }
        se = float(np.sqrt(share * (1 - share) / rows.sum())) if 0 < share < 1 else float("nan")
        found.append(Band(BANDS[number], BANDS[number + 1], int(rows.sum()), share, se, means))
    return tuple(found)
