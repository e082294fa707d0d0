"""The review of a training: ten lines, and one self-contained page with its leaderboard, pictures and gates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from aipro_ml.enums import BetType
from aipro_ml.evaluation.gate import Gate
from aipro_ml.evaluation.page import figure, page, table
from aipro_ml.evaluation.report import LEADERBOARD_LABELS
from aipro_ml.training.leaderboard import BASELINE, MARKET
from aipro_ml.training.oof import market_rows, mean_loss, said_in

GATE_LABELS = {
    "check": "Check",
    "finding": "Finding",
    "value": "Value",
    "low": "95 % from",
    "high": "to",
    "limit": "Limit",
    "n": "Games",
    "says": "In words",
}


@dataclass(frozen=True)
class ReviewedModel:
    """One candidate: `published` has `calibrated`, `published` beside the out-of-fold columns.

    `pictures`: PNG file and caption.
    """

    name: str
    framework: str
    model_id: str
    published: pd.DataFrame
    gate: Gate
    pictures: tuple[tuple[Path, str], ...] = ()

    @property
    def figures(self) -> dict[str, float]:
        """Return the figures of calibrated and published probabilities against the market on the games all have."""
        rows = self.published
        both = rows[rows[["calibrated", "published", "market_prob"]].notna().all(axis=1)]
        if both.empty:
            return {}
        stages = {name: said_in(both, name) for name in ("calibrated", "published")} | {"market": market_rows(both)}
        found = {f"log_loss_{name}": mean_loss(said) for name, said in stages.items()}
        return {"n_published": float(len(both)), **found}


@dataclass(frozen=True)
class Review:
    """A training as a person reviews it; `board` rows as `LeaderboardRow.fields`, best first."""

    sport: str
    bet_type: BetType
    seasons: tuple[int, ...]
    decision_minutes: int
    games: int
    features: int
    data_hash: str
    board: Sequence[Mapping[str, Any]]
    models: tuple[ReviewedModel, ...]
    pictures: tuple[tuple[Path, str], ...] = ()

    @property
    def title(self) -> str:
        """Return what was trained, on which test seasons."""
        return f"{self.sport} {self.bet_type}: walk-forward {self.seasons[0]}–{self.seasons[-1]}"

    @property
    def best(self) -> Mapping[str, Any]:
        """Return the best row that is a model."""
        return next(row for row in self.board if row["framework"] != BASELINE)

    @property
    def note(self) -> tuple[str, ...]:
        """Return the review in at most ten lines of plain words."""
        names = ", ".join(f"{model.name} ({model.framework})" for model in self.models)
        best = self.best
        lines = [
            f"{self.sport} {self.bet_type}, tested walk-forward on {len(self.seasons)} seasons "
            f"{self.seasons[0]}–{self.seasons[-1]}, each game decided {self.decision_minutes} min before its kick-off.",
            f"Data: {self.games:,} games with up to {self.features} features, SHA-256 {self.data_hash[:16]}….",
            f"Candidates: {names}.",
            f"Best: {best['name']}, log loss {best['log_loss']:.4f} on {best['n']:,} games.",
            self._market(),
            self._baselines(),
            *self._published(),
        ]
        return (*lines, *(self._gates()[: 9 - len(lines)]), self._honest())

    def _market(self) -> str:
        best = self.best
        if best.get("ci_low") is None:
            return "Market: no game has a market probability; nothing can be said against it."
        delta = best["delta_log_loss_vs_market"]
        return (
            f"Market: {best['log_loss'] - delta:.4f} on the same games; the best is {delta:+.4f} to it "
            f"(95 %: {best['ci_low']:+.4f} to {best['ci_high']:+.4f})."
        )

    def _baselines(self) -> str:
        rows = [row for row in self.board if row["framework"] == BASELINE and row["name"] != MARKET]
        return "Baselines: " + (", ".join(f"{row['name']} {row['log_loss']:.4f}" for row in rows) or "not kept") + "."

    def _published(self) -> list[str]:
        model = next((each for each in self.models if each.name == self.best["name"]), None)
        found = {} if model is None else model.figures
        if not found:
            return []
        return [
            f"Published (calibrated, blended with the market): {found['log_loss_published']:.4f} against the market's "
            f"{found['log_loss_market']:.4f} on {found['n_published']:,.0f} games."
        ]

    def _gates(self) -> list[str]:
        return [
            f"Gate, {model.name}: {model.gate.sentence}."
            for model in sorted(self.models, key=lambda each: each.name != self.best["name"])
        ]

    def _honest(self) -> str:
        high = self.best.get("ci_high")
        if high is None:
            return "Without a market to measure against, no edge is claimed."
        if high < 0:
            return "The best model is ahead of the market here: a leak until proven otherwise."
        return "No model is surely ahead of the market at decision time; what is published leans on the market."


def write_review(path: Path, review: Review) -> Path:
    """Write the review as one self-contained HTML page into `path`; return it."""
    lines = "".join(f"<li>{escape(line)}</li>" for line in review.note)
    body = [
        f"<h1>{escape(review.title)}</h1>",
        f"<ol>{lines}</ol>",
        "<h2>Leaderboard</h2>",
        '<p class="soft">Every row on the same games; less log loss is better; Δ is paired game by game with the '
        "devigged market, its interval resamples whole weeks.</p>",
        board_table(review),
        _pictures(review.pictures),
        *map(_model, review.models),
    ]
    path.write_text(page(review.title, "\n".join(body)), encoding="utf-8")
    return path


def board_table(review: Review) -> str:
    """Return the leaderboard as an HTML table."""
    return table(pd.DataFrame([dict(row) for row in review.board]), LEADERBOARD_LABELS, "No candidate was trained.")


def _model(model: ReviewedModel) -> str:
    head = f"<h2>{escape(model.name)} ({escape(model.framework)})</h2>"
    head += f'<p class="soft">model {escape(model.model_id)}</p>'
    return head + _pictures(model.pictures) + "<h3>Gate</h3>" + _gate(model)


def _gate(model: ReviewedModel) -> str:
    rows = [{"check": check.name, **check.fields, "finding": check.finding.value} for check in model.gate.checks]
    shown = pd.DataFrame(rows)
    for name in ("value", "low", "high", "limit"):
        shown[name] = [None if pd.isna(value) else f"{value:.4g}" for value in shown[name]]
    return f"<p>{escape(model.gate.sentence)}.</p>" + table(shown, GATE_LABELS, "")


def _pictures(pictures: Sequence[tuple[Path, str]]) -> str:
    images = "".join(figure(png, caption) for png, caption in pictures)
    return f'<div class="figures">{images}</div>' if images else ""
