"""Calibration: pooled out-of-fold predictions of a model to calibrator, market blend and reliability report."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.calibration.base import Calibrator
from aipro_ml.calibration.blend import MarketBlend, fit_blend, free_blend, load_blend, with_published
from aipro_ml.calibration.choice import Choice, choose, with_calibrated
from aipro_ml.calibration.document import write_document
from aipro_ml.calibration.load import load_calibrator
from aipro_ml.calibration.outcomes import MARKET, scores_of, seen_of, weights_of
from aipro_ml.calibration.plots import reliability_diagram, season_diagrams
from aipro_ml.calibration.reliability import ReliabilityReport, reliability
from aipro_ml.calibration.venn_abers import Interval, OutcomeIntervals, VennAbers, load_venn_abers
from aipro_ml.config import Settings
from aipro_ml.db.repositories import acts, models
from aipro_ml.enums import CalibrationMethod
from aipro_ml.errors import ArtifactError, GuardError, UsageError
from aipro_ml.identity import derive_id
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.gate import whole_oof
from aipro_ml.training.oof import is_three_way, market_rows, mean_loss, reference_rows, said_in

SEED = 20260101
"""Seeds the simulated null of the calibration error; a fixed part of the report."""


@dataclass(frozen=True)
class CalibrationReport:
    """What calibration chose for a model, and what it changed on the same walk-forward rows.

    Of three outcomes `before` and `after` speak of home against the others; `outcome_log_losses` of all three.
    `free` is the blend before its weight of the model was kept from going below zero.
    """

    model: models.StoredModel
    choice: Choice
    blend: MarketBlend
    free: MarketBlend
    interval: Interval
    before: ReliabilityReport
    after: ReliabilityReport
    compared: int
    published_log_loss: float | None
    market_log_loss: float | None
    diagram: Path
    title: str
    outcome_log_losses: tuple[float, float] | None = None

    @property
    def log_losses(self) -> tuple[float, float]:
        """Return the log loss over all outcomes, before and after calibration."""
        return self.outcome_log_losses or (self.before.log_loss, self.after.log_loss)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return the figures before and after calibration, published and of the market, one row each."""

        def row(name: str, report: ReliabilityReport, log_loss: float) -> dict[str, Any]:
            fit = report.fit
            figures = {"n": report.n, "log_loss": log_loss, "ece": report.ece, "ece_null": report.ece_null.mean}
            return {"stage": name, **figures, "slope": fit.slope, "intercept": fit.intercept}

        before, after = self.log_losses
        rows = [row("model", self.before, before), row("calibrated", self.after, after)]
        blank = dict.fromkeys(rows[0])
        return [
            *rows,
            {**blank, "stage": "published", "n": self.compared, "log_loss": self.published_log_loss},
            {**blank, "stage": "market", "n": self.compared, "log_loss": self.market_log_loss},
        ]


def calibrate(
    engine: Engine,
    settings: Settings,
    reference: str,
    method: CalibrationMethod,
    now: datetime,
    *,
    dry_run: bool = False,
) -> CalibrationReport:
    """Calibrate the model whose id begins with `reference`; the same model and method find the same calibrator.

    GuardError where a production model would publish otherwise than the gate saw: see `recalibrate`.
    """
    report = calibration_of(engine, settings, reference, method)
    if not dry_run:
        with unit(engine) as connection:
            save_calibration(connection, settings, report, now, refuse_champion)
    return report


def calibration_of(engine: Engine, settings: Settings, reference: str, method: CalibrationMethod) -> CalibrationReport:
    """Return what calibration comes to for the model whose id begins with `reference`; nothing is written."""
    with engine.connect() as connection:
        model = models.find_model(connection, reference)
    oof = whole_oof(settings, model)
    choice = choose(oof, method)
    rows = with_published(with_calibrated(oof, choice.method))
    return _report(settings, model, (choice, _fit_interval(oof)), rows)


def refuse_champion(_: Connection, model: models.StoredModel, added: Mapping[str, Any]) -> None:
    """Raise GuardError where `added` would change what a production model publishes."""
    if model.is_production and speaks_by(model.metrics) != speaks_by(added):
        short = str(model.id)[:8]
        raise GuardError(
            f"model {short} ({model.name}) is in production, and the gate has not seen this calibration: "
            f'`aipro calibrate run {short} --reason "…"` puts it before the gate'
        )


def speaks_by(metrics: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the hashes of calibrator, blend and interval that a model's metrics name."""
    calibration, blend = metrics.get("calibration") or {}, metrics.get("blend") or {}
    return calibration.get("hash"), blend.get("hash"), (calibration.get("interval") or {}).get("hash")


def stored_calibration(settings: Settings, model: models.StoredModel) -> tuple[Calibrator | None, MarketBlend]:
    """Return the calibrator (None for method none) and blend of a calibrated model, checked by their hashes."""
    facts = model.metrics.get("calibration")
    if facts is None:
        short = str(model.id)[:8]
        raise UsageError(f"model {short} ({model.name}) was never calibrated: run `aipro calibrate run {short}`")
    calibrator = None
    if facts["path"] is not None:
        calibrator = load_calibrator(settings.artifacts_dir / facts["path"])
        _same(facts["path"], calibrator.version, facts["hash"])
    blend = load_blend(settings.artifacts_dir / model.metrics["blend"]["path"])
    _same(model.metrics["blend"]["path"], blend.version, model.metrics["blend"]["hash"])
    return calibrator, blend


def stored_interval(settings: Settings, model: models.StoredModel) -> Interval | None:
    """Return the Venn-Abers intervals of a calibrated model, checked by their hash; None where it has none yet."""
    facts = model.metrics["calibration"].get("interval")
    if facts is None:
        return None
    interval = load_venn_abers(settings.artifacts_dir / facts["path"])
    _same(facts["path"], interval.version, facts["hash"])
    return interval


def _fit_interval(oof: pd.DataFrame) -> Interval:
    unfitted: Interval = OutcomeIntervals() if is_three_way(oof) else VennAbers()
    return unfitted.fit(scores_of(oof), seen_of(oof), weights_of(oof))


def _same(place: str, found: str, noted: str) -> None:
    if found != noted:
        raise ArtifactError(f"{place}: damaged (its hash differs from the database's); calibrate the model again")


def _report(
    settings: Settings, model: models.StoredModel, fitted: tuple[Choice, Interval], rows: pd.DataFrame
) -> CalibrationReport:
    choice, interval = fitted
    blended = scores_of(rows, "calibrated"), scores_of(rows, MARKET), seen_of(rows), weights_of(rows)
    before, after = _reliability_of(rows)
    both = rows[rows["published"].notna() & rows["market_prob"].notna()]
    title = f"{model.sport} {model.bet_type} · {model.name} · {choice.method} on {choice.n} out-of-fold games"
    return CalibrationReport(
        model=model,
        choice=choice,
        blend=fit_blend(*blended),
        free=free_blend(*blended),
        interval=interval,
        before=before,
        after=after,
        compared=len(both),
        published_log_loss=None if both.empty else mean_loss(said_in(both, "published")),
        market_log_loss=None if both.empty else mean_loss(market_rows(both)),
        outcome_log_losses=_outcome_log_losses(rows),
        diagram=_folder(settings, model) / "reliability.png",
        title=title,
    )


def before_and_after(oof: pd.DataFrame, method: CalibrationMethod) -> tuple[ReliabilityReport, ReliabilityReport]:
    """Return the reliability of out-of-fold rows (columns season, p, y) and of the same rows calibrated."""
    return _reliability_of(with_calibrated(oof, method))


def _reliability_of(rows: pd.DataFrame) -> tuple[ReliabilityReport, ReliabilityReport]:
    """Return the reports before and after; of three outcomes those of home against the others."""
    known = reference_rows(_comparable(rows))
    return reliability(known, "p", seed=SEED), reliability(known, "calibrated", seed=SEED)


def _comparable(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that calibration had earlier ones for; all of them, as they are, where it had none."""
    known = rows[rows["calibrated"].notna()]
    if len(known):
        return known
    same = rows.assign(calibrated=rows["p"])
    return same.assign(calibrated_draw=rows["p_draw"]) if is_three_way(rows) else same


def _outcome_log_losses(rows: pd.DataFrame) -> tuple[float, float] | None:
    """Return the log losses over all three outcomes, before and after; None of two outcomes."""
    if not is_three_way(rows):
        return None
    known = _comparable(rows)
    return mean_loss(known), mean_loss(said_in(known, "calibrated"))


def _folder(settings: Settings, model: models.StoredModel) -> Path:
    return settings.artifacts_dir / f"{model.file_path}.calibration"


def save_calibration(
    connection: Connection,
    settings: Settings,
    report: CalibrationReport,
    now: datetime,
    guard: Callable[[Connection, models.StoredModel, Mapping[str, Any]], None],
) -> None:
    """Write calibrator, blend and interval under their hashes, then the database rows that name them.

    `guard` gets the model as it is stored now and what its metrics are about to say, and may refuse; promotions wait.
    """
    calibrator = report.choice.calibrator
    path = None if calibrator is None else f"{calibrator.calibrator_type}-{calibrator.version[:16]}.json"
    added = _added(settings, report, path)
    acts.lock_decisions(connection, report.model.sport)
    guard(connection, models.find_model(connection, str(report.model.id)), added)
    _write_files(settings, report, path)
    if calibrator is not None:
        row = {
            "id": derive_id("calibration_model", report.model.id, calibrator.version),
            "model_id": report.model.id,
            "calibrator_type": calibrator.calibrator_type,
            "calibrator_path": added["calibration"]["path"],
            "created_at": now,
        }
        models.save_calibrator(connection, row)
    models.merge_metrics(connection, report.model.id, added)


def _write_files(settings: Settings, report: CalibrationReport, path: str | None) -> None:
    """Write what the database is about to name, and the pictures; each file whole or not at all."""
    folder = _folder(settings, report.model)
    report.blend.save(folder / _blend_file(report))
    report.interval.save(folder / _interval_file(report))
    if path is not None and report.choice.calibrator is not None:
        report.choice.calibrator.save(folder / path)
    reliability_diagram(report.diagram, report.before, report.after, title=report.title)
    season_diagrams(folder / "reliability-by-season.png", report.after, title=report.title)
    write_document(folder / "reliability.json", {"before": report.before.fields, "after": report.after.fields})


def _blend_file(report: CalibrationReport) -> str:
    return f"blend-{report.blend.version[:16]}.json"


def _interval_file(report: CalibrationReport) -> str:
    return f"interval-{report.interval.version[:16]}.json"


def _added(settings: Settings, report: CalibrationReport, path: str | None) -> dict[str, Any]:
    """Return what the metrics of the model say of its calibration; `path`: the calibrator's file, None for none."""
    place = _folder(settings, report.model).relative_to(settings.artifacts_dir)
    calibrator = report.choice.calibrator
    named = None if path is None else (place / path).as_posix()
    digest = None if calibrator is None else calibrator.version
    interval = {"path": (place / _interval_file(report)).as_posix(), "hash": report.interval.version}
    coefficients = {name: report.blend.document[name] for name in ("model_coef", "market_coef", "model_se", "n")}
    blend = {"path": (place / _blend_file(report)).as_posix(), "hash": report.blend.version}
    return {
        "calibration": {**_facts(report, named, digest), "interval": interval},
        "blend": {**blend, **coefficients},
    }


def _facts(report: CalibrationReport, path: str | None, digest: str | None) -> Mapping[str, Any]:
    return {
        "method": report.choice.method.value,
        "requested": report.choice.requested.value,
        "reason": report.choice.reason,
        "n": report.choice.n,
        "log_losses": {method.value: loss for method, loss in report.choice.log_losses.items()},
        "path": path,
        "hash": digest,
        "log_loss_before": report.log_losses[0],
        "log_loss_after": report.log_losses[1],
        "log_loss_published": report.published_log_loss,
        "log_loss_market": report.market_log_loss,
        "ece_before": report.before.ece,
        "ece_after": report.after.ece,
    }
