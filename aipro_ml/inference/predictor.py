"""From model probabilities and quotes to predictions and abstentions, for all bet types of a run at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isnan
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.betting.distribution import MarginDistribution
from aipro_ml.betting.edge import edge, expected_value
from aipro_ml.betting.kelly import apply_caps, kelly_fraction, kelly_shrink
from aipro_ml.betting.odds import american_to_decimal
from aipro_ml.calibration.base import Calibrator
from aipro_ml.calibration.blend import MarketBlend
from aipro_ml.calibration.logits import EPSILON
from aipro_ml.calibration.venn_abers import Interval
from aipro_ml.enums import OPPOSITE, REFERENCE_SIDE, BetType, Tier
from aipro_ml.errors import AiproError, UsageError
from aipro_ml.inference.policy import Policy
from aipro_ml.inference.prediction import DECIMALS, Prediction, rounded
from aipro_ml.inference.three_way import best_of_three
from aipro_ml.training.base import TrainedModel
from aipro_ml.training.lines import line_feature

Floats = npt.NDArray[np.float64]
_TOLD = {
    "probability": "p",
    "ev": "ev",
    "line_at_prediction": "line",
    "fair_probability": "fair",
    "model_probability": "model_p",
    "calibrated_probability": "calibrated_p",
    "kelly_fraction": "kelly",
    "push_probability": "push",
    "probability_low": "low",
    "probability_high": "high",
}
"""Fields of a prediction, as the columns of a chosen side hold them."""


class AbstentionReason(StrEnum):
    """Why nothing was published for a game and bet type; the first that holds, in this order."""

    ALREADY_STARTED = "already_started"
    NO_FEATURES = "no_features"
    STALE_FEATURES = "stale_features"
    NO_FRESH_QUOTE = "no_fresh_quote"
    SUSPECT_PRICES = "suspect_prices"


@dataclass(frozen=True)
class Abstention:
    """A game and bet type without a prediction, and the reason."""

    game_id: str
    bet_type: BetType
    reason: AbstentionReason


@dataclass(frozen=True)
class ModelScores:
    """One model's raw probabilities of the reference side, and what stands behind it until publication.

    `probability`: index game_id, NaN where there are no features. `draw`: likewise of the draw, where that is an
    outcome of its own; calibrator, blend and interval then speak of three. `calibration_rows`: out-of-fold rows that
    calibration was decided on, also where it chose no calibrator. `interval`: None for calibrations of old.
    """

    bet_type: BetType
    model_id: str
    probability: pd.Series
    calibrator: Calibrator | None = None
    calibration_rows: int = 0
    calibration_version: str | None = None
    blend: MarketBlend | None = None
    suspected_leak: bool = False
    interval: Interval | None = None
    draw: pd.Series | None = None


@dataclass(frozen=True)
class Slate:
    """What a run publishes and what it abstains from; together every game and bet type exactly once."""

    predictions: tuple[Prediction, ...]
    abstentions: tuple[Abstention, ...]


def reference_probability(model: TrainedModel, X: pd.DataFrame) -> pd.Series:
    """Return the model's probability of outcome 0 a row of X (index game_id); NaN where it has none."""
    return outcome_probabilities(model, X).iloc[:, 0].rename("probability")


def outcome_probabilities(model: TrainedModel, X: pd.DataFrame) -> pd.DataFrame:
    """Return the model's probabilities, a column an outcome, a row a row of X; NaN where it has none."""
    line = line_feature(model)  # a line alone says nothing of the game
    known = X[[name for name in model.feature_names if name != line]].notna().any(axis=1).to_numpy("bool")
    p = np.full((len(X), len(model.outcomes)), np.nan)
    if known.any():
        p[known] = model.predict_proba(X.loc[known])
    return pd.DataFrame(p, index=X.index, columns=[str(outcome) for outcome in model.outcomes])


def predict_slate(
    models: Sequence[ModelScores],
    games: pd.DataFrame,
    boards: Mapping[BetType, pd.DataFrame],
    distributions: Mapping[BetType, MarginDistribution],
    policy: Policy,
) -> Slate:
    """Return predictions and abstentions for every game × model; stakes are capped over all of them together.

    `games`: index game_id (unique), columns `as_of` and `kickoff` (UTC), and `stale` where features are too old
    to bet on. `boards`: `market_boards` of the quotes
    known at as_of and fresh; other games' rows in them play no part. `distributions`: of the margin (spread) and
    the total; moneylines need none, their push (a tie) counts as 0. The published probability is
    blend(calibrate(model), fair), rounded to six decimals before anything is derived from it. UsageError for
    a game that stands twice.
    """
    if games.index.has_duplicates:
        raise UsageError(f"game {games.index[games.index.duplicated()][0]} stands twice in the slate")
    if not models:
        return Slate((), ())
    board = pd.concat([_board(n, scores, games, boards[scores.bet_type]) for n, scores in enumerate(models)])
    abstained = board["reason"].notna()
    bets = _stakes(_bets(board.loc[~abstained], models, distributions, policy), policy)
    parts = bets.groupby("model") if len(bets) else ()
    predictions = tuple(one for number, part in parts for one in _predictions(part, models[int(number)], policy))
    abstentions = tuple(
        Abstention(str(row.Index), models[row.model].bet_type, AbstentionReason(row.reason))
        for row in board.loc[abstained].itertuples()
    )
    if len(predictions) + len(abstentions) != len(games) * len(models):
        raise AiproError("the slate does not add up: published + abstained differs from games × bet types")
    return Slate(predictions, abstentions)


def _board(number: int, scores: ModelScores, games: pd.DataFrame, market: pd.DataFrame) -> pd.DataFrame:
    """Return a row a game: the market's board, the model's probability, the reason to abstain or None."""
    board = market.reindex(games.index).assign(
        model=number, as_of=games["as_of"], model_p=scores.probability.reindex(games.index)
    )
    if scores.draw is not None:
        board["model_draw"] = scores.draw.reindex(games.index)
    reasons = {
        AbstentionReason.ALREADY_STARTED: games["as_of"] >= games["kickoff"],
        AbstentionReason.NO_FEATURES: board["model_p"].isna(),
        AbstentionReason.STALE_FEATURES: games.get("stale", pd.Series(False, index=games.index)),
        AbstentionReason.NO_FRESH_QUOTE: ~games.index.isin(market.index),
        AbstentionReason.SUSPECT_PRICES: board["suspect"].eq(True),
    }
    board["reason"] = np.select(
        [np.asarray(holds, dtype=bool) for holds in reasons.values()], [str(r) for r in reasons], default=""
    )
    board["reason"] = board["reason"].astype(object).where(board["reason"] != "", None)
    return board


def _bets(
    board: pd.DataFrame,
    models: Sequence[ModelScores],
    distributions: Mapping[BetType, MarginDistribution],
    policy: Policy,
) -> pd.DataFrame:
    """Return the board's open rows with the chosen `side`, its EV, and every probability turned to it."""
    parts = []
    for number, part in board.groupby("model"):
        scores = models[int(number)]
        if scores.draw is not None:
            parts.append(best_of_three(part, scores.calibrator, scores.blend, scores.interval, policy))
            continue
        model_p, fair = part["model_p"].to_numpy("float64"), part["fair"].to_numpy("float64")
        calibrated, p = _published(scores, model_p, fair)
        low, high = _interval(scores, model_p, fair, p)
        push = _push_probability(distributions.get(scores.bet_type), part["line"].to_numpy("float64"), p)
        valued = part.assign(calibrated_p=calibrated, p=p, low=low, high=high, push=push)
        parts.append(_sides(valued, scores.bet_type, policy))
    return pd.concat(parts) if parts else board


def _published(scores: ModelScores, model_p: Floats, fair: Floats) -> tuple[Floats, Floats]:
    """Return calibrated and published probabilities of the reference side."""
    calibrated = model_p if scores.calibrator is None else scores.calibrator.calibrate(model_p)
    blended = calibrated if scores.blend is None else scores.blend.blend(calibrated, fair)
    published = np.clip(np.asarray(blended, dtype=np.float64), EPSILON, 1 - EPSILON)
    return np.clip(calibrated, EPSILON, 1 - EPSILON), np.asarray(published.round(DECIMALS), np.float64)


def _interval(scores: ModelScores, model_p: Floats, fair: Floats, p: Floats) -> tuple[Floats, Floats]:
    """Return low and high of the published probability `p`: the Venn-Abers interval, blended as `p` was.

    Always around `p`: where calibrator and interval disagree, that is uncertainty too. NaN without an interval.
    """
    if scores.interval is None:
        return np.full(len(p), np.nan), np.full(len(p), np.nan)
    ends = scores.interval.interval(model_p)
    if scores.blend is not None:
        ends = scores.blend.blend(ends[0], fair), scores.blend.blend(ends[1], fair)
    low, high = np.minimum.reduce([*ends, p]), np.maximum.reduce([*ends, p])
    return low.round(DECIMALS), high.round(DECIMALS)  # a stake hangs on them: what is stored is what is used


def _push_probability(distribution: MarginDistribution | None, line: Floats, p: Floats) -> Floats:
    if distribution is None:
        return np.zeros(len(p))
    return distribution.win_push_lose(distribution.match_mean(line, p), line).push


def _sides(part: pd.DataFrame, bet_type: BetType, policy: Policy) -> pd.DataFrame:
    """Return `part` with the chosen `side`, its `price`, `book` and `ev`, and line and probabilities turned to it.

    Policy `ev`: the larger EV, the reference side where equal; a side nobody prices cannot be bet.
    """
    p, push = part["p"].to_numpy("float64"), part["push"].to_numpy("float64")
    prices = part[["reference_price", "other_price"]].to_numpy("float64")
    ev = np.column_stack([expected_value(q, american_to_decimal(prices[:, i]), push) for i, q in enumerate((p, 1 - p))])
    if policy.side == "ev":
        comparable = np.where(np.isnan(ev), -np.inf, ev)
        reference = comparable[:, 0] >= comparable[:, 1]
    else:
        reference = p >= 0.5
    low, high = part["low"].to_numpy("float64"), part["high"].to_numpy("float64")
    turned = {name: _turned(part[name], reference) for name in ("p", "fair", "model_p", "calibrated_p")}
    sides = np.array([OPPOSITE[REFERENCE_SIDE[bet_type]], REFERENCE_SIDE[bet_type]], dtype=object)
    return part.assign(
        **turned,
        side=sides[reference.astype(int)],
        line=_lines(part, bet_type, reference),
        price=np.where(reference, prices[:, 0], prices[:, 1]),
        book=part["reference_book"].where(reference, part["other_book"]),
        ev=np.where(reference, ev[:, 0], ev[:, 1]),
        low=np.where(reference, low, 1.0 - high),
        high=np.where(reference, high, 1.0 - low),
    )


def _stakes(bets: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Return `bets` with the stake as a fraction of bankroll: shrunk, then capped per bet, game and slate."""
    if bets.empty:
        return bets
    kelly = policy.kelly
    chosen, price = bets["p"].to_numpy("float64"), bets["price"].to_numpy("float64")
    shrink = _shrink(bets, chosen, price) if kelly.shrink else np.ones(len(bets))
    single = kelly_fraction(chosen, price, kelly.fraction, kelly.cap, shrink)
    # no price, no stake; and none on a value that is 0 in the six decimals published
    single = np.where(bets["ev"].round(DECIMALS) > 0, np.nan_to_num(single), 0.0)
    capped = apply_caps(single, bets.index.to_numpy(), kelly.game_cap, kelly.slate_cap)
    # rounded down: rounding to the nearest could carry a slate above its cap
    return bets.assign(kelly=np.floor(capped * 1e6 + 1e-6) / 1e6)


def _shrink(bets: pd.DataFrame, chosen: Floats, price: Floats) -> Floats:
    """Return Baker & McHale's factor a bet, its probability known to half the width of its interval; 1 without one."""
    half = (bets["high"].to_numpy("float64") - bets["low"].to_numpy("float64")) / 2
    return np.where(np.isnan(half), 1.0, kelly_shrink(chosen, price, np.nan_to_num(half)))


def _predictions(part: pd.DataFrame, scores: ModelScores, policy: Policy) -> list[Prediction]:
    """Return the prediction of each row of one model in `_stakes`."""
    told = {name: part[column].to_numpy("float64") for name, column in _TOLD.items()}
    own = {
        "model_id": scores.model_id,
        "bet_type": scores.bet_type,
        "calibration_version": scores.calibration_version,
        "blend_version": None if scores.blend is None else scores.blend.version,
    }
    columns = {
        "game_id": part.index.astype(str).tolist(),
        "predicted_side": part["side"].tolist(),
        **told,
        "edge": edge(told["probability"], told["fair_probability"]),
        "odds_at_prediction": [None if isnan(price) else int(price) for price in part["price"].tolist()],
        "book": part["book"].astype(object).where(part["book"].notna(), None).tolist(),
        "as_of": pd.DatetimeIndex(part["as_of"]).to_pydatetime().tolist(),
        **{name: [value] * len(part) for name, value in own.items()},
    }
    return Prediction.of_columns({**columns, "signal_tier": _tiers(columns, scores, policy)})


def _tiers(columns: Mapping[str, Any], scores: ModelScores, policy: Policy) -> list[Tier]:
    """Return each row's tier; D for all where the calibration is not to be trusted."""
    if scores.calibration_rows < policy.calibration_minimum or scores.suspected_leak:
        return [Tier.D] * len(columns["game_id"])
    told = zip(columns["probability"].tolist(), columns["ev"].tolist(), columns["edge"].tolist(), strict=True)
    return [policy.tier(scores.bet_type, p, rounded(ev), rounded(over)) for p, ev, over in told]


def _lines(part: pd.DataFrame, bet_type: BetType, reference: npt.NDArray[np.bool_]) -> Floats:
    """Return each row's line, signed for the chosen side; NaN on a moneyline."""
    if bet_type is BetType.MONEYLINE:
        return np.full(len(part), np.nan)
    line = part["line"].to_numpy("float64")
    return np.where(~reference & (bet_type is BetType.SPREAD), -line, line)


def _turned(p: pd.Series, reference: npt.NDArray[np.bool_]) -> Floats:
    values = p.to_numpy("float64")
    return np.where(reference, values, 1.0 - values)
