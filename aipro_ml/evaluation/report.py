"""The night's report: slate, leaderboards, calibration, grades and what they honestly mean, on one HTML page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import pandas as pd

from aipro_ml.enums import BetType
from aipro_ml.evaluation.page import figure, page, table
from aipro_ml.files import write_whole

SLATE_LABELS: Mapping[str, str] = {
    "game": "Game",
    "bet_type": "Bet",
    "predicted_side": "Side",
    "line_at_prediction": "Line",
    "odds_at_prediction": "Price",
    "probability": "Probability",
    "edge": "Edge",
    "ev": "EV",
    "kelly_fraction": "Kelly",
    "signal_tier": "Tier",
    "fair_probability": "Fair market",
    "book": "Book",
    "kickoff": "Kick-off (UTC)",
}
LEADERBOARD_LABELS: Mapping[str, str] = {
    "name": "Model",
    "framework": "Framework",
    "n": "Games",
    "log_loss": "Log loss",
    "delta_log_loss_vs_market": "Δ to market",
    "ci_low": "95 % from",
    "ci_high": "to",
    "brier": "Brier",
    "auc": "AUC",
    "accuracy": "Accuracy",
    "ece": "ECE",
    "ece_null": "ECE by chance",
}
SUMMARY_LABELS: Mapping[str, str] = {
    "bet_type": "Bet",
    "signal_tier": "Tier",
    "n": "Bets",
    "win": "Won",
    "loss": "Lost",
    "push": "Push",
    "units": "Units",
    "roi": "ROI",
    "roi_low": "95 % from",
    "roi_high": "to",
    "mean_clv": "Mean CLV",
    "clv_low": "95 % from",
    "clv_high": "to",
    "clv_coverage": "With a close",
}
GRADE_LABELS: Mapping[str, str] = {
    "game": "Game",
    "score": "Score",
    "bet_type": "Bet",
    "predicted_side": "Side",
    "line_at_prediction": "Line",
    "odds_at_prediction": "Price",
    "actual_result": "Result",
    "profit_loss": "Units",
    "signal_tier": "Tier",
    "closing_line": "Closing line",
    "clv": "CLV",
    "kickoff": "Kick-off (UTC)",
}
ABSTENTION_LABELS: Mapping[str, str] = {"game": "Game", "bet_type": "Bet", "reason": "Why"}


@dataclass(frozen=True)
class ReportFigure:
    """A PNG file that goes into the page, and what it shows."""

    png: Path
    caption: str


@dataclass(frozen=True)
class ModelSection:
    """One bet type: its leaderboard (LEADERBOARD_LABELS), pictures, and the blend's weight on the model.

    `model_coef` and `model_se` are those of the market blend; None where there is no blend or no error yet.
    """

    bet_type: BetType
    leaderboard: pd.DataFrame
    figures: tuple[ReportFigure, ...] = ()
    model_coef: float | None = None
    model_se: float | None = None


@dataclass(frozen=True)
class Report:
    """What the page shows; frames need those columns of the `*_LABELS` that are to be shown, in any order.

    `facts` are named values of the run (as-of, data, versions); `remarks` are sentences added to the report's
    own; `figures` belong to the grades.
    """

    title: str
    facts: Mapping[str, str]
    slate: pd.DataFrame
    sections: tuple[ModelSection, ...] = ()
    summary: pd.DataFrame = field(default_factory=pd.DataFrame)
    grades: pd.DataFrame = field(default_factory=pd.DataFrame)
    abstentions: pd.DataFrame = field(default_factory=pd.DataFrame)
    figures: tuple[ReportFigure, ...] = ()
    remarks: tuple[str, ...] = ()


def write_report(path: Path, report: Report) -> Path:
    """Write `report` as one self-contained HTML file (folders are made) and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page(report.title, _body(report)))
    return path


def blend_sentence(section: ModelSection) -> str:
    """Return in words what the market blend found the model to be worth beside the market."""
    if section.model_coef is None:
        return f"{section.bet_type.capitalize()}: no market blend; the model's calibrated probability is published."
    if section.model_se is None:
        return (
            f"{section.bet_type.capitalize()}: too few rows with a market to weigh the model; "
            "the market's own probability is published."
        )
    coef, se = section.model_coef, section.model_se
    finding = (
        "which is not distinguishable from nothing: read its edges as noise until closing line value says otherwise"
        if abs(coef) < 2 * se
        else "more than two standard errors from nothing: check for a leak before believing it"
        if coef > 0.5
        else "more than two standard errors from nothing"
    )
    return (
        f"{section.bet_type.capitalize()}: beside the market the model's weight is {coef:+.3f} ± {se:.3f}, {finding}."
    )


def _body(report: Report) -> str:
    facts = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in report.facts.items())
    return "\n".join(
        [
            f"<h1>{escape(report.title)}</h1>",
            f"<dl>{facts}</dl>",
            "<h2>The slate</h2>",
            table(report.slate, SLATE_LABELS, "No prediction was published."),
            _abstained(report.abstentions),
            _meaning(report),
            *map(_section, report.sections),
            _graded(report),
        ]
    )


def _abstained(abstentions: pd.DataFrame) -> str:
    if abstentions.empty:
        return ""
    return "<h3>Abstained</h3>" + table(abstentions, ABSTENTION_LABELS, "")


def _meaning(report: Report) -> str:
    sentences = [
        "Published probabilities are anchored to the market: model, then calibration, then a blend in log-odds "
        "with the market's fair probability as of the decision. Edge is measured against that fair probability, "
        "EV against the price that was really offered.",
        *map(blend_sentence, report.sections),
        "Nobody beats the closing line of a liquid market with past games alone. Closing line value, not a few "
        "nights of wins, is the evidence that would count; a slate of tier D is an honest outcome.",
        *report.remarks,
    ]
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<h2>What this means</h2><ul>{items}</ul>"


def _section(section: ModelSection) -> str:
    return (
        f"<h2>{escape(section.bet_type.capitalize())}: models and baselines on the same games</h2>"
        '<p class="soft">Walk-forward: every game is predicted by a model trained on earlier games only. '
        "Less log loss is better; Δ is paired game by game with the devigged market.</p>"
        + table(section.leaderboard, LEADERBOARD_LABELS, "No candidate was trained.")
        + _figures(section.figures)
    )


def _graded(report: Report) -> str:
    return (
        "<h2>Graded predictions</h2>"
        '<p class="soft">On the line and price each prediction was published with; one unit a bet.</p>'
        + table(report.summary, SUMMARY_LABELS, "Nothing is graded yet.")
        + _figures(report.figures)
        + "<h3>The last nights</h3>"
        + table(report.grades, GRADE_LABELS, "Nothing is graded yet.")
    )


def _figures(figures: tuple[ReportFigure, ...]) -> str:
    images = "".join(figure(one.png, one.caption) for one in figures)
    return f'<div class="figures">{images}</div>' if images else ""
