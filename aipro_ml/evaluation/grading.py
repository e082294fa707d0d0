"""Grades: how each prediction ended on the line and price it took, and what those were worth at the close."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.betting.clv import Close, TakenBets, closing_line_value
from aipro_ml.betting.consensus import best_prices, consensus
from aipro_ml.betting.distribution import MarginDistribution
from aipro_ml.betting.odds import american_to_decimal
from aipro_ml.betting.settlement import (
    TWO_WAY_RULES,
    MarketRule,
    SettlementRules,
    profit_per_unit,
    results_of,
    settle_scores,
)
from aipro_ml.enums import BetType, DevigMethod, GameStatus, Selection
from aipro_ml.market.closing import stood_at_close

PREDICTION_COLUMNS = (
    "prediction_id",
    "game_id",
    "bet_type",
    "predicted_side",
    "line_at_prediction",
    "odds_at_prediction",
    "fair_probability",
)
"""What grading reads of a prediction (columns of `fact_predictions`).

Beside them `kickoff_known`, where there is one: the kick-off as it was known when the prediction was made.
"""

GRADE_COLUMNS = (
    "prediction_id",
    "actual_result",
    "profit_loss",
    "clv",
    "clv_probability",
    "clv_points",
    "clv_price",
    "closing_line",
    "closing_price",
)
"""`profit_loss` in units a unit staked; `clv` EV at the close; `clv_price` price over closing price, less 1."""

_VOID = (str(GameStatus.POSTPONED), str(GameStatus.CANCELLED))
_KEY = ["game_id", "market"]


@dataclass(frozen=True)
class Accounting:
    """Where every prediction stands; the four numbers add up to `total`."""

    graded: int
    pending: int
    void: int
    ungradeable: int

    @property
    def total(self) -> int:
        """Return the number of predictions asked about."""
        return self.graded + self.pending + self.void + self.ungradeable


@dataclass(frozen=True)
class Grading:
    """`grades`: GRADE_COLUMNS of the graded; `standing` by id: graded, pending, void or ungradeable."""

    grades: pd.DataFrame
    standing: pd.Series

    @property
    def accounting(self) -> Accounting:
        """Return the count of each standing."""
        counts = self.standing.value_counts()
        return Accounting(*(int(counts.get(name, 0)) for name in ("graded", "pending", "void", "ungradeable")))


def grade(
    predictions: pd.DataFrame,
    games: pd.DataFrame,
    closing: pd.DataFrame,
    distributions: Mapping[BetType, MarginDistribution],
    devig: DevigMethod,
    *,
    rules: SettlementRules = TWO_WAY_RULES,
) -> Grading:
    """Return the grades of `predictions` (PREDICTION_COLUMNS) by the games' latest known state.

    `games`: index game_id, columns status, home_score, away_score and, where known, overtime and kickoff. `closing`:
    CLOSING_COLUMNS of `features.records`. Postponed and cancelled games are void and get no grade, and so are those
    that begin more than `rules.void_after_hours` after `kickoff_known`; unfinished ones are pending. Ungradeable are a
    final game without the scores that count, a game not in `games`, and a spread or total without a line.
    The close is the consensus, with the same devig, of the books that closed within a day of their market's last;
    without closing prices CLV is NaN.
    Without a price taken, profit, `clv` and `clv_price` are NaN. A draw that is an outcome of its own (three-way
    `rules.moneyline`) loses for home and away; else a level score is a push.
    """
    three_way = rules.moneyline is MarketRule.THREE_WAY
    bets = _with_state(predictions.reset_index(drop=True), games, rules)
    standing = pd.Series(_standing(bets), index=bets["prediction_id"].to_numpy(), name="standing", dtype=object)
    closed = _with_close(bets.loc[(standing == "graded").to_numpy()], closing, devig, three_way)
    parts = [
        _graded(BetType(str(bet_type)), part, distributions.get(BetType(str(bet_type))), rules.moneyline)
        for bet_type, part in closed.groupby("bet_type")
    ]
    grades = pd.concat(parts).sort_index() if parts else pd.DataFrame(columns=list(GRADE_COLUMNS))
    return Grading(grades.reset_index(drop=True)[list(GRADE_COLUMNS)], standing)


def standing_of(predictions: pd.DataFrame, games: pd.DataFrame, rules: SettlementRules) -> pd.Series:
    """Return where each prediction stands, by its id: graded, pending, void or ungradeable; arguments as `grade`'s."""
    bets = _with_state(predictions.reset_index(drop=True), games, rules)
    return pd.Series(_standing(bets), index=bets["prediction_id"].to_numpy(), name="standing", dtype=object)


def _with_state(bets: pd.DataFrame, games: pd.DataFrame, rules: SettlementRules) -> pd.DataFrame:
    """Return `bets` with the state of their games: status, the scores that count, and whether it was moved too far."""
    state = games.reindex(bets["game_id"]).reset_index(drop=True)
    numbers = ("line_at_prediction", "odds_at_prediction", "fair_probability")
    bets = bets.assign(
        status=state["status"].astype(object),
        moved=_moved(bets, state, rules),
        **{name: bets[name].astype("float64") for name in numbers},
    )
    longer = state["overtime"].eq(other=True) if "overtime" in state else pd.Series(False, index=state.index)
    scores = pd.DataFrame(np.nan, index=bets.index, columns=["home_score", "away_score"])
    for bet_type, part in bets.groupby("bet_type"):
        told = state.loc[part.index]
        counted = rules.counted(BetType(str(bet_type)), told["home_score"], told["away_score"], longer.loc[part.index])
        scores.loc[part.index] = np.column_stack(counted)
    return bets.assign(**{str(name): scores[name] for name in scores})


def _moved(bets: pd.DataFrame, state: pd.DataFrame, rules: SettlementRules) -> npt.NDArray[np.bool_]:
    if rules.void_after_hours is None or "kickoff_known" not in bets or "kickoff" not in state:
        return np.zeros(len(bets), dtype=bool)
    later = state["kickoff"] - bets["kickoff_known"]
    return np.asarray(later > pd.Timedelta(hours=rules.void_after_hours), dtype=bool)


def _standing(bets: pd.DataFrame) -> npt.NDArray[np.object_]:
    """Return the standing of each row; the first condition that holds names it."""
    status = bets["status"]
    scoreless = bets["home_score"].isna() | bets["away_score"].isna()
    lineless = bets["line_at_prediction"].isna() & (bets["bet_type"] != BetType.MONEYLINE.value)
    conditions = {
        "void": status.isin(_VOID) | bets["moved"],
        "ungradeable": status.isna() | lineless | (scoreless & (status == GameStatus.FINAL.value)),
        "graded": status == GameStatus.FINAL.value,
    }
    holds = [np.asarray(held, dtype=bool) for held in conditions.values()]
    return np.select(holds, list(conditions), default="pending").astype(object)


def _with_close(bets: pd.DataFrame, closing: pd.DataFrame, devig: DevigMethod, three_way: bool) -> pd.DataFrame:
    """Return `bets` with the close: the reference side's line and fair probability, the side's best price."""
    quotes = stood_at_close(closing).rename(columns={"closing_line": "line", "closing_price": "price"})
    market = consensus(quotes, devig, three_way=three_way)
    best = best_prices(quotes, market).rename(columns={"price": "closing_price"})
    keyed = bets.assign(market=bets["bet_type"].astype(object))
    names = {"line": "reference_close", "fair": "fair_close", "fair_draw": "draw_close"}
    reference = market[[*_KEY, *names]].rename(columns=names)
    joined = keyed.merge(reference, on=_KEY, how="left").merge(
        best[[*_KEY, "selection", "closing_price"]].rename(columns={"selection": "predicted_side"}),
        on=[*_KEY, "predicted_side"],
        how="left",
    )
    joined.index = bets.index
    away_spread = (joined["market"] == BetType.SPREAD.value) & (joined["predicted_side"] == Selection.AWAY.value)
    return joined.assign(closing_line=joined["reference_close"].where(~away_spread, -joined["reference_close"]) + 0.0)


def _graded(
    bet_type: BetType, bets: pd.DataFrame, distribution: MarginDistribution | None, rule: MarketRule
) -> pd.DataFrame:
    sides = np.array([Selection(side) for side in bets["predicted_side"]], dtype=object)
    line, price = bets["line_at_prediction"].to_numpy(), bets["odds_at_prediction"].to_numpy()
    home, away = bets["home_score"].to_numpy(), bets["away_score"].to_numpy()
    results = results_of(settle_scores(bet_type, sides, line, home, away, rule))
    value = closing_line_value(
        TakenBets(bet_type, sides, line, price, bets["fair_probability"].to_numpy()),
        Close(*(bets[name].to_numpy() for name in ("reference_close", "fair_close", "draw_close"))),
        distribution,
    )
    same_line = (bets["closing_line"].to_numpy() == line) | (bet_type is BetType.MONEYLINE)
    closing_decimal = american_to_decimal(bets["closing_price"].to_numpy("float64"))
    return bets.assign(
        actual_result=[str(result) for result in results],
        profit_loss=np.where(np.isnan(price), np.nan, profit_per_unit(results, price)),
        clv=value.ev,
        clv_probability=value.probability,
        clv_points=value.points,
        clv_price=np.where(same_line, american_to_decimal(price) / closing_decimal - 1, np.nan),
    )
