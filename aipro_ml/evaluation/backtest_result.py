"""What a backtest came to: money by stake and stress, the value of edges, rivals on the same games, the proof."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.betting.odds import american_to_decimal
from aipro_ml.enums import BetResult
from aipro_ml.evaluation.backtest import (
    SIDES,
    Figures,
    figures,
    rivals,
    selection_of,
    signals_of,
    taken,
)
from aipro_ml.evaluation.backtest_config import BacktestConfig
from aipro_ml.evaluation.backtest_leak import LeakCheck
from aipro_ml.evaluation.backtest_money import Bank, BankrollRun, drawdown, run_bankroll, shares_of, unit_profits
from aipro_ml.evaluation.backtest_statistics import (
    Deflation,
    Test,
    by_block,
    deflated_sharpe,
    fair_market_test,
    permutation_test,
)
from aipro_ml.evaluation.openers import EdgeBin, ValueSlope, value_by_edge, value_slope

Mask = npt.NDArray[np.bool_]

PLACED, EVERY = "model, its bets", "model, every game"
CLV_TEST, ROI_TEST = "CLV, signals permuted", "ROI, signals permuted"


@dataclass(frozen=True)
class Setting:
    """How the book came about: configuration, games asked about, why some were not decided, and what else was tried.

    `games`: games × bet types of the seasons. `trials` counts this configuration too; `sharpes` are the others'.
    """

    how: BacktestConfig
    games: int
    abstained: Mapping[str, int]
    leak: LeakCheck
    trials: int = 1
    sharpes: Sequence[float] = ()


@dataclass(frozen=True)
class Result:
    """A backtest's results. `book`: every decision, `placed` (n,) those that were bet on.

    `figures`: the model's own bets, the model on every game, and its rivals there. `runs`: the bankroll by stress,
    0 first. `bins` and `slope` are of all priced decisions, whatever was bet.
    """

    setting: Setting
    book: pd.DataFrame
    placed: Mask
    figures: tuple[Figures, ...]
    runs: Mapping[float, BankrollRun]
    bins: tuple[EdgeBin, ...]
    slope: ValueSlope | None
    tests: tuple[Test, ...]
    deflation: Deflation

    @property
    def counts(self) -> dict[str, int]:
        """Return how many games × bet types were asked about, decided, bet on, and what became of the bets."""
        standing = self.book.loc[self.placed, "standing"].value_counts()
        kinds = {name: int(standing.get(name, 0)) for name in ("graded", "pending", "void", "ungradeable")}
        asked = (self.book["kelly"] > 0) & self.book["signal_tier"].isin(list(map(str, self.setting.how.tiers)))
        return {
            "games": self.setting.games,
            "decided": len(self.book),
            "abstained": sum(self.setting.abstained.values()),
            "bets": int(self.placed.sum()),
            "missed": int(asked.sum() - self.placed.sum()),
            **kinds,
        }

    @cached_property
    def money(self) -> pd.DataFrame:
        """Return a row a stress: flat stakes, and the bankroll by Kelly with its deepest fall."""
        bets = bets_of(self.book, self.placed)
        return pd.DataFrame([_money(stress, run, bets) for stress, run in self.runs.items()])

    @cached_property
    def months(self) -> pd.DataFrame:
        """Return bets, units and ROI of flat stakes by month of the kick-off (`month`: its first day)."""
        bets = self.book.loc[self.placed]
        month = bets["kickoff"].dt.tz_localize(None).dt.to_period("M").dt.to_timestamp()
        profit = taken(bets, "profit")
        grouped = profit.loc[profit.notna()].groupby(month.loc[profit.notna()])
        table = grouped.agg(n="size", units="sum").rename_axis("month").reset_index()
        return table.assign(roi=table["units"] / table["n"])

    @property
    def bets(self) -> pd.DataFrame:
        """Return every decision with the side taken, stake, profit and worth: what is kept as CSV."""
        stakes = self.runs[0.0]
        kept = ["game_id", "bet_type", "season", "week", "kickoff", "as_of", "result_known_at"]
        table = self.book[kept].assign(
            side=selections(self.book),
            **{name: taken(self.book, name) for name in ("struck_line", "struck_price")},
            probability=_turned(self.book, "probability"),
            fair=_turned(self.book, "fair"),
            **{name: self.book[name] for name in ("edge", "ev", "kelly", "signal_tier", "standing")},
            placed=self.placed,
            **{name: taken(self.book, name) for name in ("result", "profit", "clv", "clv_points", "p_close")},
        )
        return table.assign(stake=stakes.stakes.reindex(table.index), money=stakes.profits.reindex(table.index))

    @property
    def headline(self) -> dict[str, float | int | None]:
        """Return the figures a journal keeps: bets, ROI, CLV, weekly Sharpe ratio; None where there is none."""
        own = self.figures[0]
        values = {"bets": own.n, "roi": own.roi.mean, "clv": own.clv.mean, "sharpe": self.deflation.sharpe}
        return {name: value if isfinite(value) else None for name, value in values.items()}

    @property
    def document(self) -> dict[str, Any]:
        """Return the results as a JSON-able mapping; NaN becomes None."""
        plain: dict[str, Any] = finite(
            {
                "counts": self.counts,
                "abstained": dict(self.setting.abstained),
                "figures": [each.row for each in self.figures],
                "money": self.money.to_dict("records"),
                "edge_bins": [asdict(each) for each in self.bins],
                "slope": None if self.slope is None else asdict(self.slope),
                "tests": [{k: v for k, v in vars(each).items() if k != "draws"} for each in self.tests],
                "deflation": asdict(self.deflation),
                "leak": self.setting.leak.fields,
                "months": self.months.assign(month=self.months["month"].astype(str)).to_dict("records"),
            }
        )
        return plain


def evaluate(book: pd.DataFrame, setting: Setting) -> Result:
    """Return what betting on the `book` (`settled_book`) came to; equal books and settings give equal results."""
    how = setting.how
    placed = placed_bets(book, how)
    bets = bets_of(book, placed)
    bank = Bank(how.bankroll, how.largest_bet, how.smallest_bet)
    runs = {stress: run_bankroll(bets, bank, stress) for stress in dict.fromkeys((0.0, *how.stress))}
    edge, value = book["edge"].to_numpy("float64"), taken(book, "clv").to_numpy("float64")
    week = book["week"].to_numpy("float64")
    known = ~(np.isnan(edge) | np.isnan(value))
    sloped = len(np.unique(week[known])) > 1 and bool(np.ptp(np.abs(edge[known])) > 1e-9)
    return Result(
        setting=setting,
        book=book,
        placed=placed,
        figures=_all_figures(book, placed, how),
        runs=runs,
        bins=value_by_edge(edge, value, week, seed=how.seed),
        slope=value_slope(edge, value, week, seed=how.seed) if sloped else None,
        tests=_tests(book, placed, setting),
        deflation=deflated_sharpe(
            by_block(taken(book.loc[placed], "profit"), week[placed]), setting.trials, setting.sharpes
        ),
    )


def placed_bets(book: pd.DataFrame, how: BacktestConfig) -> Mask:
    """Return which decisions (n,) are bet on: a stake, a tier that is asked for, and a price when it is struck."""
    tier = book["signal_tier"].isin(list(map(str, how.tiers)))
    return np.asarray((book["kelly"] > 0) & tier & taken(book, "struck_price").notna(), dtype=bool)


def bets_of(book: pd.DataFrame, placed: Mask) -> pd.DataFrame:
    """Return the bets that were placed as `run_bankroll` reads them."""
    bets = book.loc[placed]
    void = (bets["standing"] == "void").to_numpy(bool)
    result = taken(bets, "result").where(~void, str(BetResult.VOID))
    return bets[["game_id", "bet_type", "as_of", "result_known_at"]].assign(
        fraction=bets["kelly"],
        decimal=american_to_decimal(taken(bets, "struck_price").to_numpy("float64")),
        share=shares_of(result),
    )


def selections(book: pd.DataFrame) -> list[str]:
    """Return what the side taken is called in each row."""
    return [
        str(selection_of(str(bet_type), SIDES[0] if reference else SIDES[1]))
        for bet_type, reference in zip(book["bet_type"], book["reference"], strict=True)
    ]


def finite(value: Any) -> Any:
    """Return `value` with None for NaN and infinity, inside mappings and sequences too."""
    if isinstance(value, Mapping):
        return {str(name): finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    if isinstance(value, np.generic):
        return finite(value.item())
    return None if isinstance(value, float) and not isfinite(value) else value


def _all_figures(book: pd.DataFrame, placed: Mask, how: BacktestConfig) -> tuple[Figures, ...]:
    resampling = {"seed": how.seed, "draws": how.draws}
    reference, every = book["reference"].to_numpy(bool), (book["standing"] == "graded").to_numpy(bool)
    own = [figures(PLACED, book, reference, placed, resampling), figures(EVERY, book, reference, every, resampling)]
    others = rivals(book, how.seed)
    return (*own, *(figures(name, book, sides, every, resampling) for name, sides in others.items()))


def _tests(book: pd.DataFrame, placed: Mask, setting: Setting) -> tuple[Test, ...]:
    how, bets = setting.how, book.loc[placed]
    asked = {"seed": how.seed, "draws": how.draws, "trials": setting.trials}
    share = shares_of(taken(bets, "result"))
    decimal = american_to_decimal(taken(bets, "struck_price").to_numpy("float64"))
    fair = taken(bets, "struck_fair").to_numpy("float64")
    return (
        permutation_test(signals_of(book, "clv"), CLV_TEST, **asked),
        permutation_test(signals_of(book, "profit"), ROI_TEST, **asked),
        fair_market_test(decimal - 1, fair, unit_profits(decimal, share), **asked),
    )


def _money(stress: float, run: BankrollRun, bets: pd.DataFrame) -> dict[str, Any]:
    flat = unit_profits(bets["decimal"], bets["share"], stress)
    known = flat[~np.isnan(flat)]
    fall = drawdown(run.curve)
    return {
        "stress": stress,
        "n": len(known),
        "flat_units": float(known.sum()),
        "flat_roi": float(known.mean()) if len(known) else float("nan"),
        "final": run.final,
        "growth": run.final / run.start - 1,
        "kelly_roi": run.roi,
        "turnover": run.turnover,
        "max_drawdown": fall.depth,
        "drawdown_days": fall.days,
    }


def _turned(book: pd.DataFrame, column: str) -> pd.Series:
    p = book[column]
    return p.where(book["reference"].astype(bool), 1 - p)
