"""A backtest's book: each decision with both of its sides priced, settled and valued at the close, and ways of betting.

Frames come in and go out; whoever decides (a model, the market, a coin) is judged on the same book.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.betting.distribution import MarginDistribution
from aipro_ml.betting.edge import expected_value
from aipro_ml.betting.odds import american_to_decimal
from aipro_ml.betting.settlement import TWO_WAY_RULES, SettlementRules
from aipro_ml.enums import OPPOSITE, REFERENCE_SIDE, BetResult, BetType, DevigMethod, Selection
from aipro_ml.evaluation.backtest_money import shares_of
from aipro_ml.evaluation.backtest_statistics import Interval, Signals, ratio_interval
from aipro_ml.evaluation.grading import grade

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SIDES = ("reference", "other")

DECISION_COLUMNS = (
    "game_id",
    "bet_type",
    "season",
    "week",
    "kickoff",
    "as_of",
    "result_known_at",
    "reference",
    "probability",
    "model_probability",
    "calibrated_probability",
    "fair",
    "push",
    "edge",
    "ev",
    "kelly",
    "signal_tier",
    "line",
)
"""One row a game and bet type: `reference` is the reference side taken? Probabilities, `fair` and `line` are that
side's; `edge`, `ev`, `kelly` those of the side taken, as published. `week` numbers the blocks that are resampled."""

STRIKE_COLUMNS = tuple(
    f"{name}_{side}" for side in SIDES for name in ("offered", "struck_line", "struck_price", "struck_fair")
)
"""Of either side the price offered when it was decided, and what could be had when the bet was struck.

Prices are American, lines signed for the side; `struck_fair` is the market's probability of the side at its line.
"""

WORTH_COLUMNS = ("result", "profit", "clv", "clv_points", "p_close")
"""Of either side (`_<side>`): result, profit a unit, EV at the close, points gained, fair probability at the close."""


@dataclass(frozen=True)
class Facts:
    """What settles and values bets: games (as `grade` reads them), closes, margins by season, the sport's rules."""

    games: pd.DataFrame
    closing: pd.DataFrame
    distributions: Mapping[int, Mapping[BetType, MarginDistribution]]
    devig: DevigMethod
    rules: SettlementRules = TWO_WAY_RULES


@dataclass(frozen=True)
class Figures:
    """What a way of betting one unit came to; intervals resample whole weeks. `hit_rate` is of decided stakes."""

    name: str
    n: int
    won: int
    lost: int
    pushed: int
    units: float
    hit_rate: float
    roi: Interval
    clv: Interval
    clv_coverage: float

    @property
    def row(self) -> dict[str, Any]:
        """Return the figures as one row of a table."""
        return {
            "name": self.name,
            "n": self.n,
            "win": self.won,
            "loss": self.lost,
            "push": self.pushed,
            "hit_rate": self.hit_rate,
            "units": self.units,
            "roi": self.roi.mean,
            "roi_low": self.roi.low,
            "roi_high": self.roi.high,
            "mean_clv": self.clv.mean,
            "clv_low": self.clv.low,
            "clv_high": self.clv.high,
            "clv_coverage": self.clv_coverage,
        }


def settled_book(decisions: pd.DataFrame, strikes: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Return the book: `decisions` (DECISION_COLUMNS) with STRIKE_COLUMNS and, of either side, WORTH_COLUMNS.

    Both frames share one index. A side without a price has a result, and neither profit nor CLV. `standing` says
    whether the bet is graded, pending, void or ungradeable. Rows come out by decision time, game and bet type.
    """
    book = decisions.join(strikes[list(STRIKE_COLUMNS)])
    book = book.sort_values(["as_of", "game_id", "bet_type"], kind="stable", ignore_index=True)
    for side in SIDES:
        book = book.join(_worth(book, side, facts))
    return book


def selection_of(bet_type: str, side: str) -> Selection:
    """Return what the `side` (SIDES) of a bet type is called."""
    reference = REFERENCE_SIDE[BetType(bet_type)]
    return reference if side == SIDES[0] else OPPOSITE[reference]


def _worth(book: pd.DataFrame, side: str, facts: Facts) -> pd.DataFrame:
    bets = pd.DataFrame(
        {
            "prediction_id": book.index,
            "game_id": book["game_id"].astype(object),
            "bet_type": book["bet_type"].astype(object),
            "predicted_side": [str(selection_of(each, side)) for each in book["bet_type"]],
            "line_at_prediction": book[f"struck_line_{side}"],
            "odds_at_prediction": book[f"struck_price_{side}"],
            "fair_probability": book[f"struck_fair_{side}"],
        }
    )
    if "kickoff_known" in book:
        bets["kickoff_known"] = book["kickoff_known"]
    parts, standing = [], []
    for season, rows in bets.groupby(book["season"]):
        closing = facts.closing.loc[facts.closing["game_id"].isin(rows["game_id"])]
        graded = grade(
            rows, facts.games, closing, facts.distributions[int(str(season))], facts.devig, rules=facts.rules
        )
        parts.append(graded.grades)
        standing.append(graded.standing)
    grades = pd.concat(parts).set_index("prediction_id").reindex(book.index)
    worth = pd.DataFrame(
        {
            f"result_{side}": grades["actual_result"],
            f"profit_{side}": grades["profit_loss"].astype("float64"),
            f"clv_{side}": grades["clv"].astype("float64"),
            f"clv_points_{side}": grades["clv_points"].astype("float64"),
            f"p_close_{side}": grades["clv_probability"].astype("float64") + book[f"struck_fair_{side}"],
        }
    )
    return worth if side != SIDES[0] else worth.assign(standing=pd.concat(standing).reindex(book.index))


def taken(book: pd.DataFrame, column: str, reference: Mask | None = None) -> pd.Series:
    """Return `column` of the side taken: the decision's own, or the one `reference` (n,) says."""
    chosen = book["reference"].to_numpy(bool) if reference is None else reference
    first, second = (book[f"{column}_{side}"] for side in SIDES)
    return first.where(chosen, second).rename(column)


def figures(name: str, book: pd.DataFrame, reference: Mask, rows: Mask, resampling: Mapping[str, int]) -> Figures:
    """Return what one unit on the side `reference` says of each of the `rows` (both (n,)) came to.

    Bets that are open, void or had no price left do not count. `resampling`: seed and draws of `ratio_interval`.
    """
    bets = book.loc[rows].assign(chosen=reference[rows])
    side = bets["chosen"].to_numpy(bool)
    profit, result = taken(bets, "profit", side), taken(bets, "result", side)
    clv = taken(bets, "clv", side).where(profit.notna())
    week, share = bets["week"].to_numpy(), shares_of(result.where(profit.notna(), str(BetResult.PENDING)))
    n = int(profit.notna().sum())
    decided = np.abs(share[np.nan_to_num(share) != 0]).sum()
    return Figures(
        name=name,
        n=n,
        won=int((share > 0).sum()),
        lost=int((share < 0).sum()),
        pushed=int((share == 0).sum()),
        units=float(profit.sum()),
        hit_rate=float(share[share > 0].sum() / decided) if decided else float("nan"),
        roi=ratio_interval(profit, np.ones(len(profit)), week, **resampling),
        clv=ratio_interval(clv, np.ones(len(clv)), week, **resampling),
        clv_coverage=float(clv.notna().sum() / n) if n else float("nan"),
    )


def rivals(book: pd.DataFrame, seed: int) -> dict[str, Mask]:
    """Return the sides (n,), True the reference side, that ways of betting without a model would take.

    `market`: the side worth most at its best price by the consensus. `favourite`: the consensus' likelier side.
    `home`: the home side, on totals the over. `random`: a coin, the same for the same games and seed.
    """
    fair = book["fair"].to_numpy("float64")
    worth = fair_values(book, fair)
    coin = np.random.default_rng(seed).random(len(book)) < 0.5
    return {
        "market": worth[:, 0] >= worth[:, 1],
        "favourite": fair >= 0.5,
        "underdog": fair < 0.5,
        "home": np.ones(len(book), dtype=bool),
        "random": coin,
    }


def fair_values(book: pd.DataFrame, p: Floats) -> Floats:
    """Return the EV (n, 2) of either side at the price offered when `p` (n,) is the reference side's chance."""
    prices, push = offered_net(book), book["push"].to_numpy("float64")
    ev = [expected_value(q, prices[:, i] + 1, push) for i, q in enumerate((p, 1 - p))]
    return np.where(np.isnan(ev), -np.inf, ev).T


def offered_net(book: pd.DataFrame) -> Floats:
    """Return the net odds (n, 2) of either side at the decision, NaN where nobody offered it."""
    return american_to_decimal(book[[f"offered_{side}" for side in SIDES]].to_numpy("float64")) - 1


def signals_of(book: pd.DataFrame, value: str) -> Signals:
    """Return what the decisions with a two-sided market said beyond it; `value` (profit, clv) of either side.

    Signals change places within a season and bet type.
    """
    known = book.loc[book["fair"].notna() & (book["standing"] == "graded")]
    fair, p = known["fair"].to_numpy("float64"), known["probability"].to_numpy("float64")
    group = known.groupby(["season", "bet_type"], sort=True).ngroup().to_numpy("int64")
    worth = known[[f"{value}_{side}" for side in SIDES]].to_numpy("float64")
    return Signals(
        signal=_logit(p) - _logit(fair),
        fair_logit=_logit(fair),
        push=known["push"].to_numpy("float64"),
        net=offered_net(known),
        value=worth,
        group=group,
    )


def _logit(p: Floats) -> Floats:
    q = np.clip(p, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(q) - np.log1p(-q), dtype=np.float64)
