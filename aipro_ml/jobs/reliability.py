"""The reliability of a calibrated model, from its artifact: by stage, by season, by bin."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine

from aipro_ml.calibration.reliability import ReliabilityReport, SeasonReliability
from aipro_ml.config import Settings
from aipro_ml.db.repositories import models
from aipro_ml.enums import CalibrationMethod, ReliabilityBy
from aipro_ml.jobs.calibrate import before_and_after, stored_calibration
from aipro_ml.jobs.gate import whole_oof


@dataclass(frozen=True)
class StoredReliability:
    """The reliability of a model before and after the calibration that is stored with it."""

    model: models.StoredModel
    method: CalibrationMethod
    before: ReliabilityReport
    after: ReliabilityReport

    def rows(self, by: ReliabilityBy) -> list[dict[str, Any]]:
        """Return the table: a row for the model and for the calibrated model; of the latter, a season or a bin."""
        if by == ReliabilityBy.SEASON:
            return [_season_row(season) for season in self.after.seasons]
        if by == ReliabilityBy.BIN:
            return [asdict(one) for one in self.after.bins]
        return [_stage_row("model", self.before), _stage_row("calibrated", self.after)]


def stored_reliability(engine: Engine, settings: Settings, reference: str) -> StoredReliability:
    """Return the reliability of the model whose id begins with `reference`; UsageError if never calibrated."""
    with engine.connect() as connection:
        model = models.find_model(connection, reference)
    stored_calibration(settings, model)
    oof = whole_oof(settings, model)
    method = CalibrationMethod(model.metrics["calibration"]["method"])
    return StoredReliability(model, method, *before_and_after(oof, method))


def _stage_row(name: str, report: ReliabilityReport) -> dict[str, Any]:
    return {"stage": name, "n": report.n, "brier": report.brier, **_figures(report), **asdict(report.decomposition)}


def _season_row(season: SeasonReliability) -> dict[str, Any]:
    shares = {"mean_probability": season.mean_probability, "observed": season.observed}
    return {"season": season.season, "n": season.n, **shares, **_figures(season)}


def _figures(report: ReliabilityReport | SeasonReliability) -> dict[str, Any]:
    return {
        "log_loss": report.log_loss,
        "ece": report.ece,
        "ece_null": report.ece_null.mean,
        "ece_q95": report.ece_null.q95,
        **asdict(report.fit),
        "z": report.spiegelhalter_z,
    }
