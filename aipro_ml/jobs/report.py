"""The demo's report: slate, leaderboards, calibration and graded nights on one HTML page."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from aipro_ml.config import Settings
from aipro_ml.evaluation.plots import cumulative_units
from aipro_ml.evaluation.report import ModelSection, Report, ReportFigure, write_report
from aipro_ml.features.sport import Sport
from aipro_ml.jobs.calibrate import CalibrationReport
from aipro_ml.jobs.performance import PerformanceReport
from aipro_ml.jobs.train import TrainingReport
from aipro_ml.times import iso_utc
from aipro_ml.training.artifacts import read_artifact
from aipro_ml.training.oof import market_rows
from aipro_ml.training.plots import importance_chart, skill_by_season

_NAMES = {
    "side": "predicted_side",
    "line": "line_at_prediction",
    "price": "odds_at_prediction",
    "kelly": "kelly_fraction",
    "tier": "signal_tier",
    "result": "actual_result",
    "profit": "profit_loss",
}


def write_demo_report(
    settings: Settings,
    league: Sport,
    trained: Sequence[tuple[TrainingReport, CalibrationReport]],
    listed: tuple[pd.DataFrame, pd.DataFrame],
    performance: PerformanceReport,
) -> Path:
    """Write the page; `listed` are the predictions of the slate and of the graded nights. Return its path."""
    slate, nights = (frame.rename(columns=_NAMES) for frame in listed)
    with tempfile.TemporaryDirectory(prefix="aipro-") as name:
        folder = Path(name)
        sections = tuple(_section(settings, folder, board, calibration) for board, calibration in trained)
        figures: tuple[ReportFigure, ...] = ()
        if len(performance.graded):
            units = cumulative_units(folder / "units.png", performance.graded, title=f"{league.name}: one unit a bet")
            figures = (ReportFigure(units, "Units won, and what the closing line said the bets were worth."),)
        report = Report(
            title=f"{league.name}: predictions",
            facts=_facts(league, slate, trained),
            slate=slate,
            sections=sections,
            summary=performance.summary,
            grades=nights[nights["actual_result"].notna()],
            figures=figures,
            remarks=_remarks(league),
        )
        return write_report(settings.reports_dir / f"{league.code.lower()}-demo.html", report)


def _section(settings: Settings, folder: Path, board: TrainingReport, calibration: CalibrationReport) -> ModelSection:
    model = calibration.model
    artifact = read_artifact(settings.artifacts_dir / model.file_path)
    importance = importance_chart(
        folder / f"{model.id}-importance.png", artifact.model.feature_importance(), title=model.name
    )
    figures = [ReportFigure(calibration.diagram, f"Reliability of {model.name} before and after calibration.")]
    market = market_rows(artifact.oof)
    if len(market):
        skill = {model.name: artifact.oof, "market": market}
        place = skill_by_season(folder / f"{model.id}-skill.png", skill, title=f"{model.bet_type}: skill by season")
        figures.append(ReportFigure(place, "Skill by season, beside the market's."))
    figures.append(ReportFigure(importance, f"What {model.name} looks at."))
    return ModelSection(
        bet_type=model.bet_type,
        leaderboard=pd.DataFrame([row.fields for row in board.leaderboard]),
        figures=tuple(figures),
        model_coef=calibration.blend.model_coef,
        model_se=calibration.blend.model_se,
    )


def _facts(
    league: Sport, slate: pd.DataFrame, trained: Sequence[tuple[TrainingReport, CalibrationReport]]
) -> dict[str, str]:
    models = ", ".join(f"{calibration.model.bet_type} {calibration.model.name}" for _, calibration in trained)
    facts = {"Sport": league.name, "Models": models, "Training data": trained[0][0].data_hash[:16]}
    if len(slate):
        moments = slate["as_of"]
        span = f"{iso_utc(moments.min().to_pydatetime())} to {iso_utc(moments.max().to_pydatetime())}"
        facts |= {"Decided": span, "Mode": ", ".join(sorted(slate["mode"].unique()))}
    return facts


def _remarks(league: Sport) -> tuple[str, ...]:
    if not league.code.startswith("SIM-"):
        return ()
    return ("This league is simulated: its teams, games and prices are made up, and no money can be won on it.",)
