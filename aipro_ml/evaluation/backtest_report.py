"""The page of a backtest: what was asked, what it came to, its rivals, and in words what is proved."""

from collections.abc import Mapping, Sequence
from html import escape
from math import isnan
from pathlib import Path

import pandas as pd

from aipro_ml.evaluation.backtest_plots import Picture
from aipro_ml.evaluation.backtest_result import CLV_TEST, Result
from aipro_ml.evaluation.page import figure, page, table

FIGURE_LABELS: Mapping[str, str] = {
    "name": "Who bets",
    "n": "Bets",
    "win": "Won",
    "loss": "Lost",
    "push": "Push",
    "hit_rate": "Hit rate",
    "units": "Units",
    "roi": "ROI",
    "roi_low": "95 % from",
    "roi_high": "to",
    "mean_clv": "Mean CLV",
    "clv_low": "95 % from",
    "clv_high": "to",
    "clv_coverage": "With a close",
}
MONEY_LABELS: Mapping[str, str] = {
    "stress": "Price lowered by",
    "n": "Bets",
    "flat_units": "Units, flat",
    "flat_roi": "ROI, flat",
    "final": "Final bankroll",
    "growth": "Growth",
    "kelly_roi": "ROI, Kelly",
    "turnover": "Turnover",
    "max_drawdown": "Deepest fall",
    "drawdown_days": "Longest below a peak, days",
}
BIN_LABELS: Mapping[str, str] = {
    "span": "|Edge|",
    "n": "Decisions",
    "edge": "Mean edge",
    "mean_clv": "Mean CLV",
    "clv_low": "95 % from",
    "clv_high": "to",
}
TEST_LABELS: Mapping[str, str] = {
    "figure": "Figure",
    "n": "Bets",
    "observed": "Seen",
    "null_mean": "By chance",
    "null_sd": "its deviation",
    "p": "p",
    "adjusted": "p, all trials (Bonferroni)",
}
MONTH_LABELS: Mapping[str, str] = {"month": "Month", "n": "Bets", "units": "Units", "roi": "ROI"}


def write_page(path: Path, result: Result, facts: Mapping[str, str], drawn: Sequence[Picture]) -> Path:
    """Write the result as one self-contained HTML file and return its path; `facts` are named values of the request."""
    path.parent.mkdir(parents=True, exist_ok=True)
    title = f"Backtest: {facts.get('Sport', '')} {facts.get('Bets on', '')}, {facts.get('Seasons', '')}"
    path.write_text(page(title, _body(title, result, facts, drawn)), encoding="utf-8")
    return path


def sentences(result: Result) -> list[str]:
    """Return in words what the backtest shows, and what it does not."""
    return [_counted(result), _value(result), _slope(result), _chance(result), _trials(result), *_leak(result)]


def _body(title: str, result: Result, facts: Mapping[str, str], drawn: Sequence[Picture]) -> str:
    named = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())
    said = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences(result))
    tests = pd.DataFrame([{k: v for k, v in vars(test).items() if k != "draws"} for test in result.tests])
    images = "".join(figure(path, caption) for path, caption in drawn)
    return "\n".join(
        [
            f"<h1>{escape(title)}</h1>",
            f"<dl>{named}</dl>",
            f"<h2>What this means</h2><ul>{said}</ul>",
            "<h2>Who bets how well</h2>",
            '<p class="soft">One unit a bet at the prices that stood when it was struck. The rivals bet on every game '
            "the model decided: market is the side worth most by the consensus, favourite its likelier side, home on "
            "totals the over. Intervals resample whole weeks.</p>",
            table(pd.DataFrame([each.row for each in result.figures]), FIGURE_LABELS, "Nothing was decided."),
            "<h2>Money</h2>",
            '<p class="soft">The same bets at prices lowered by a share of the decimal price. ROI is profit a unit '
            "staked (in betting also called yield), turnover all stakes in bankrolls of the start.</p>",
            table(result.money, MONEY_LABELS, "No bet was placed."),
            "<h2>What an edge was worth</h2>",
            table(_bins(result), BIN_LABELS, "No decision has a two-sided market."),
            "<h2>Against chance</h2>",
            table(tests, TEST_LABELS, "Nothing to test."),
            f'<div class="figures">{images}</div>',
            "<h2>By month</h2>",
            table(result.months.assign(month=result.months["month"].dt.strftime("%Y-%m")), MONTH_LABELS, "No bet."),
        ]
    )


def _bins(result: Result) -> pd.DataFrame:
    rows = [
        {
            "span": f"{each.low:.0%} and more" if each.high == float("inf") else f"{each.low:.0%} to {each.high:.0%}",
            "n": each.n,
            "edge": each.edge,
            "mean_clv": each.value,
            "clv_low": each.ci_low,
            "clv_high": each.ci_high,
        }
        for each in result.bins
    ]
    return pd.DataFrame(rows)


def _counted(result: Result) -> str:
    counts = result.counts
    reasons = ", ".join(f"{n} {name}" for name, n in sorted(result.setting.abstained.items()) if n)
    ended = ", ".join(f"{counts[name]} {name}" for name in ("graded", "pending", "void", "ungradeable"))
    return (
        f"Of {counts['games']:,} games × bet types {counts['decided']:,} were decided and {counts['abstained']:,} not"
        f"{f' ({reasons})' if reasons else ''}; {counts['bets']:,} bets were placed ({ended}), {counts['missed']:,} "
        "missed because no price was left."
    )


def _value(result: Result) -> str:
    own = result.figures[0]
    if not own.n:
        return "No bet was placed: at no price was there value. That is an honest outcome."
    clv, roi = own.clv, own.roi
    verdict = (
        "the bets were worth more than they cost when the market closed"
        if clv.low > 0
        else "the bets were worth less than they cost when the market closed"
        if clv.high < 0
        else "whether the bets were worth their price at the close cannot be told"
    )
    return (
        f"Closing line value {clv.mean:+.2%} a bet (95 % {clv.low:+.2%} to {clv.high:+.2%}): {verdict}. "
        f"ROI {roi.mean:+.1%} (95 % {roi.low:+.1%} to {roi.high:+.1%})."
    )


def _slope(result: Result) -> str:
    slope = result.slope
    if slope is None or isnan(slope.slope):
        return "How value rises with the edge cannot be told: too few weeks."
    told = (
        "rises with the edge" if slope.ci_low > 0 else "falls with the edge" if slope.ci_high < 0 else "does not rise"
    )
    return (
        f"Value at the close {told}: {slope.slope:+.2f} a unit of edge (95 % {slope.ci_low:+.2f} to "
        f"{slope.ci_high:+.2f}, n {slope.n:,}); an edge worth all it says would show the decimal price."
    )


def _chance(result: Result) -> str:
    test = next(each for each in result.tests if each.figure == CLV_TEST)
    if isnan(test.p):
        return "Nothing to hold against chance."
    told = "more than chance explains" if test.adjusted < 0.05 else "no more than chance gives"
    return (
        f"The same signals dealt to the season's games at random have a CLV of {test.null_mean:+.2%} ± "
        f"{test.null_sd:.2%}; seen was {test.observed:+.2%} (p {test.p:.4f}, over all trials {test.adjusted:.4f}): "
        f"{told}."
    )


def _trials(result: Result) -> str:
    found = result.deflation
    if isnan(found.probability):
        return f"{found.trials} configurations were looked at; the weeks are too few for a Sharpe ratio."
    return (
        f"Weekly Sharpe ratio {found.sharpe:+.3f} over {found.weeks} weeks; the best of {found.trials} worthless "
        f"configurations would show {found.expected_best:+.3f}. The probability that the true ratio is above 0 is "
        f"{found.probability:.1%} (for one trial alone {found.undeflated:.1%})."
    )


def _leak(result: Result) -> list[str]:
    stage, ahead = result.setting.leak.most
    if ahead <= 2.0 or result.setting.leak.n < 200:
        return []
    return [
        f"Warning: the {stage} probability is {ahead:.1f} standard errors better than the close on "
        f"{result.setting.leak.n:,} games: look for a leak before believing anything here."
    ]


def facts_of(document: Mapping[str, object], result: Result) -> dict[str, str]:
    """Return the named values a page shows of a request (`BacktestRequest.document`)."""
    config, counts = result.setting.how, result.counts
    decide = config.decide
    when = decide if isinstance(decide, str) else "the sport's usual time" if decide is None else f"{decide} min before"
    books = ", ".join(config.books) or "all"
    return {
        "Sport": str(document["sport"]),
        "Bets on": ", ".join(map(str, _words(document["bet_types"]))),
        "Seasons": f"{document['first']}–{document['last']}",
        "Who": str(document["who"]),
        "Probability": config.probability,
        "Decided": str(when),
        "Struck after": f"{config.latency_seconds:g} s",
        "Knowledge lag": f"{config.lag_hours:g} h",
        "Books": books,
        "Largest bet": "any" if config.largest_bet is None else f"{config.largest_bet:g}",
        "Bankroll": f"{config.bankroll:g}",
        "Bets": f"{counts['bets']:,}",
        "Trials": f"{result.setting.trials:,}",
        "Seed": str(config.seed),
    }


def _words(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]
