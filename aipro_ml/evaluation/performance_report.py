"""The performance report: what published predictions were worth, with intervals, on one HTML page."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pandas as pd

from aipro_ml.evaluation.page import figure, page, table
from aipro_ml.evaluation.report import SUMMARY_LABELS, ReportFigure
from aipro_ml.files import write_whole

FIRST: Mapping[str, str] = {
    "bet_type": "Bet",
    "signal_tier": "Tier",
    "book": "Book",
    "month": "Month",
}
MONEY_LABELS: Mapping[str, str] = {
    **FIRST,
    "n": "Bets",
    "weeks": "Weeks",
    "win": "Won",
    "loss": "Lost",
    "push": "Push",
    "hit_rate": "Hit rate",
    "hit_low": "95 % from",
    "hit_high": "to",
    **{name: label for name, label in SUMMARY_LABELS.items() if name not in FIRST and name not in ("n", "win")},
}
WINDOW_LABELS: Mapping[str, str] = {
    "bet_type": "Bet",
    "window": "Last",
    "n": "Bets",
    "scored": "Scored",
    "log_loss": "Log loss",
    "expected": "Expected",
    "expected_low": "95 % from",
    "expected_high": "to",
    "as_expected": "As expected",
    "brier": "Brier",
    "ece": "ECE",
    "roi": "ROI",
    "roi_low": "95 % from",
    "roi_high": "to",
    "mean_clv": "Mean CLV",
    "clv_low": "95 % from",
    "clv_high": "to",
    "clv_coverage": "With a close",
}
OPEN_LABELS: Mapping[str, str] = {
    "date": "Day (UTC)",
    "bet_type": "Bet",
    "n": "Predictions",
    "expected": "Expected log loss",
    "expected_low": "95 % from",
    "expected_high": "to",
}


@dataclass(frozen=True)
class KindSection:
    """One kind of predictions (say live, production): its sums by several columns, trailing windows and plots."""

    title: str
    meaning: tuple[str, ...]
    windows: pd.DataFrame
    sums: Mapping[str, pd.DataFrame]  # by heading
    figures: tuple[ReportFigure, ...]


@dataclass(frozen=True)
class PerformancePage:
    """Everything the page shows; `open_days` are predictions whose results are not in yet."""

    title: str
    facts: Mapping[str, str]
    sections: tuple[KindSection, ...]
    open_days: pd.DataFrame


def write_performance_page(path: Path, content: PerformancePage) -> Path:
    """Write the page as `path`, whole or not at all; return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page(content.title, _body(content)))
    return path


def meaning(total: Mapping[str, float], season: pd.DataFrame) -> tuple[str, ...]:
    """Return in plain sentences what sums of `summary` and the windows of a season say, and what they do not."""
    low, high = total["clv_low"], total["clv_high"]
    interval = "one week, no interval" if pd.isna(low) else f"95 % {low:+.2%} to {high:+.2%}"
    clv = (
        "no bet has a close, so nobody can say what the bets were worth"
        if pd.isna(total["mean_clv"])
        else f"the mean bet was worth {total['mean_clv']:+.2%} at the close ({interval}, "
        f"{total['clv_coverage']:.0%} of the bets have a close)"
    )
    verdict = (
        ""
        if pd.isna(low)
        else ": better than the market that closed"
        if low > 0
        else ": the closing market was the better judge"
        if high < 0
        else ": not to be told from nothing"
    )
    roi = f"{total['units']:+.2f} units on {total['n']:.0f} bets are an ROI of {total['roi']:+.1%}"
    roi += "" if pd.isna(total["roi_low"]) else f" (95 % {total['roi_low']:+.1%} to {total['roi_high']:+.1%})"
    return (f"Closing line value: {clv}{verdict}.", f"Money: {roi}.", *map(_expectation, season.to_dict("records")))


def _expectation(row: Mapping[str, object]) -> str:
    inside = "as it should if every probability is right" if row["as_expected"] else "outside what right probabilities"
    inside += "" if row["as_expected"] else " would give: look at the calibration"
    return (
        f"{str(row['bet_type']).capitalize()}: log loss {row['log_loss']:.4f} this season, expected "
        f"{row['expected']:.4f} ({row['expected_low']:.4f} to {row['expected_high']:.4f}), {inside}."
    )


def _body(content: PerformancePage) -> str:
    facts = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in content.facts.items())
    parts = [f"<h1>{escape(content.title)}</h1>", f"<dl>{facts}</dl>"]
    parts += map(_section, content.sections)
    if not content.sections:
        parts.append('<p class="soft">Nothing that counts is graded yet.</p>')
    parts.append("<h2>Before results are in</h2>")
    parts.append(
        '<p class="soft">The log loss that published probabilities expect of themselves. Results far outside the band '
        "speak against them.</p>"
    )
    parts.append(table(content.open_days, OPEN_LABELS, "No prediction waits for its result."))
    return "\n".join(parts)


def _section(section: KindSection) -> str:
    sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in section.meaning)
    images = "".join(figure(one.png, one.caption) for one in section.figures)
    sums = "".join(
        f"<h3>{escape(heading)}</h3>" + table(frame, MONEY_LABELS, "Nothing.")
        for heading, frame in section.sums.items()
    )
    return (
        f"<h2>{escape(section.title)}</h2><ul>{sentences}</ul>"
        f'<div class="figures">{images}</div>'
        "<h3>Trailing windows</h3>" + table(section.windows, WINDOW_LABELS, "Nothing.") + sums
    )
