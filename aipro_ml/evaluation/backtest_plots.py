"""Pictures of a backtest: bankroll and its falls, the value of edges, months, and results against chance."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aipro_ml.evaluation.backtest import taken
from aipro_ml.evaluation.backtest_result import Result
from aipro_ml.training.plots import new_figure, save_figure

_BLUE, _ORANGE, _GREY, _GREEN = "#2563eb", "#c2410c", "#6b7280", "#059669"
_STRESS = ("#2563eb", "#d97706", "#c2410c", "#7f1d1d", "#7c3aed")
_FLAT, _CLV = "units won", "expected at the close (CLV)"

Picture = tuple[Path, str]


def pictures(folder: Path, result: Result) -> list[Picture]:
    """Draw every picture the result allows into `folder`; return them with their captions."""
    drawn: list[Picture] = []
    if result.placed.any():
        drawn += [
            (
                bankroll_curves(folder / "bankroll.png", result),
                "The bankroll by Kelly stakes, at the prices struck and below",
            ),
            (falls(folder / "drawdown.png", result), "How far the bankroll is below its peak"),
            (
                units_curve(folder / "units.png", result),
                "One unit a bet: what was won, and what the close said it was worth",
            ),
        ]
    if any(each.n for each in result.bins):
        caption = "Value at the close by size of the edge, every priced decision, 95 % intervals of whole weeks"
        drawn.append((value_by_edge_chart(folder / "edge.png", result), caption))
    if len(result.months):
        drawn.append((month_chart(folder / "months.png", result), "ROI of one unit a bet by month of the kick-off"))
    if any(len(test.draws) for test in result.tests):
        drawn.append((chance_chart(folder / "chance.png", result), "The result among what chance gives"))
    return drawn


def bankroll_curves(path: Path, result: Result) -> Path:
    """Draw the bankroll over time at every stress; return `path`."""
    figure, panel = new_figure((8.0, 4.2))
    panel.axhline(result.setting.how.bankroll, color=_GREY, linewidth=1)
    for (stress, run), colour in zip(result.runs.items(), _STRESS * len(result.runs), strict=False):
        at, value = run.curve["at"].dt.tz_localize(None), run.curve["bankroll"]
        label = "as struck" if stress == 0 else f"−{stress:.0%} of the price"
        panel.step(at, value, where="post", color=colour, linewidth=1.4, label=label)
    panel.set_ylabel("bankroll")
    _over_time(panel)
    return _finished(figure, panel, path, "Bankroll, Kelly stakes")


def falls(path: Path, result: Result) -> Path:
    """Draw the share of its peak the bankroll has lost, over time; return `path`."""
    figure, panel = new_figure((8.0, 3.2))
    curve = result.runs[0.0].curve
    lost = curve["bankroll"] / curve["bankroll"].cummax() - 1
    panel.fill_between(curve["at"].dt.tz_localize(None), lost, 0.0, step="post", color=_ORANGE, alpha=0.5, linewidth=0)
    panel.set_ylabel("below the peak")
    _over_time(panel)
    panel.yaxis.set_major_formatter(_percent())
    return _finished(figure, panel, path, "Drawdown")


def units_curve(path: Path, result: Result) -> Path:
    """Draw the running profit of one unit a bet beside the running value at the close; return `path`."""
    figure, panel = new_figure((8.0, 4.2))
    bets = result.book.loc[result.placed]
    bets = bets.assign(won=taken(bets, "profit"), worth=taken(bets, "clv")).dropna(subset=["won"])
    bets = bets.sort_values(["kickoff", "game_id", "bet_type"], kind="stable")
    at = bets["kickoff"].dt.tz_localize(None)
    panel.axhline(0.0, color=_GREY, linewidth=1)
    panel.step(at, bets["won"].cumsum(), where="post", color=_BLUE, label=_FLAT)
    panel.plot(at, bets["worth"].fillna(0.0).cumsum(), color=_ORANGE, label=_CLV)
    panel.set_ylabel("units")
    _over_time(panel)
    return _finished(figure, panel, path, "One unit a bet")


def value_by_edge_chart(path: Path, result: Result) -> Path:
    """Draw mean closing line value with its interval by bins of |edge|; return `path`."""
    figure, panel = new_figure((8.0, 4.2))
    bins = [each for each in result.bins if each.n]
    place, mean = np.arange(len(bins)), np.array([each.value for each in bins])
    spans = np.array([[each.value - each.ci_low, each.ci_high - each.value] for each in bins]).T
    panel.axhline(0.0, color=_GREY, linewidth=1)
    panel.errorbar(place, mean, yerr=np.nan_to_num(spans), fmt="o", color=_BLUE, capsize=3)
    names = [
        f"{each.low:.0%} and more" if np.isinf(each.high) else f"{each.low:.0%} to {each.high:.0%}" for each in bins
    ]
    panel.set_xticks(place, [f"{name}\nn {each.n}" for name, each in zip(names, bins, strict=True)])
    panel.set_xlabel("|edge| over the fair market at the decision")
    panel.set_ylabel("EV at the close")
    panel.yaxis.set_major_formatter(_percent(1))
    return _finished(figure, panel, path, "Closing line value by edge", legend=False)


def month_chart(path: Path, result: Result) -> Path:
    """Draw the ROI of each month as a bar; return `path`."""
    figure, panel = new_figure((8.0, 3.6))
    months = result.months
    place = np.arange(len(months))
    panel.axhline(0.0, color=_GREY, linewidth=1)
    panel.bar(place, months["roi"], color=np.where(months["roi"] >= 0, _GREEN, _ORANGE))
    every = max(1, len(months) // 12)
    shown = place[::every]
    panel.set_xticks(shown, [f"{each:%Y-%m}" for each in pd.DatetimeIndex(months["month"])[::every]], rotation=45)
    panel.set_ylabel("ROI")
    panel.yaxis.set_major_formatter(_percent())
    return _finished(figure, panel, path, "ROI by month, one unit a bet", legend=False)


def chance_chart(path: Path, result: Result) -> Path:
    """Draw for each test what chance gives as a histogram, and the figure seen as a line; return `path`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tests = [test for test in result.tests if len(test.draws)]
    figure = Figure(figsize=(2.9 * len(tests), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    for panel, test in zip(figure.subplots(1, len(tests), squeeze=False)[0], tests, strict=True):
        panel.hist(test.draws, bins=40, color=_GREY, alpha=0.6)
        panel.axvline(test.observed, color=_BLUE, linewidth=2)
        panel.set_title(f"{test.figure}\np {test.p:.4f}, n {test.n}", loc="left", fontsize=9)
        panel.xaxis.set_major_formatter(_percent(1))
        panel.set_yticks([])
    return save_figure(figure, path)


def _finished(figure: Any, panel: Any, path: Path, title: str, *, legend: bool = True) -> Path:
    panel.grid(alpha=0.25)
    panel.set_title(title, loc="left", fontsize=11)
    if not legend:
        return save_figure(figure, path)
    if panel.get_legend_handles_labels()[1]:
        panel.legend(loc="best", frameon=False, fontsize=9)
    return save_figure(figure, path)


def _over_time(panel: Any) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    places = AutoDateLocator(minticks=3, maxticks=8)
    panel.xaxis.set_major_locator(places)
    panel.xaxis.set_major_formatter(ConciseDateFormatter(places))


def _percent(decimals: int = 0) -> Callable[[float, int], str]:
    from matplotlib.ticker import PercentFormatter

    formatter: Any = PercentFormatter(xmax=1, decimals=decimals)
    return formatter  # type: ignore[no-any-return]
