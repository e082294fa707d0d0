"""A production model calibrated anew: what it publishes changes, so the gate, a person and the audit log are asked."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine

from aipro_ml.config import Settings
from aipro_ml.db.repositories import models
from aipro_ml.enums import CalibrationMethod
from aipro_ml.errors import GuardError
from aipro_ml.evaluation.gate import Verdict
from aipro_ml.jobs.actors import actor_known, write_down
from aipro_ml.jobs.authority import require
from aipro_ml.jobs.calibrate import CalibrationReport, calibration_of, save_calibration, speaks_by
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.gate import gate_of
from aipro_ml.jobs.promote import Decision


def recalibrate(
    engine: Engine, settings: Settings, reference: str, method: CalibrationMethod, decision: Decision
) -> CalibrationReport:
    """Calibrate the model whose id begins with `reference`, in production or not, if the gate lets it.

    A change of what a production model publishes is judged as a challenger to itself, and written to the audit log as
    `model.calibrate`. GuardError where the gate says HOLD or REJECT.
    """
    decision.check("calibrating a production model")
    report = calibration_of(engine, settings, reference, method)

    def guard(connection: Connection, model: models.StoredModel, added: Mapping[str, Any]) -> None:
        if model.is_production and speaks_by(model.metrics) != speaks_by(added):
            _judge(connection, settings, model, added, decision)

    with unit(engine) as connection:
        save_calibration(connection, settings, report, decision.now, guard)
    return report


def _judge(
    connection: Connection,
    settings: Settings,
    model: models.StoredModel,
    added: Mapping[str, Any],
    decision: Decision,
) -> None:
    who = actor_known(connection, decision.actor)
    require(connection, who, "admin:models")
    anew = replace(model, metrics={**model.metrics, **added})
    gate = gate_of(connection, settings, anew, model, decision.now)
    if gate.verdict is not Verdict.PROMOTE:
        raise GuardError(f"model {str(model.id)[:8]} ({model.name}) stays as it is. {gate.sentence}")
    act = {
        "reason": decision.reason,
        "actor": decision.actor if who.user_id is None else str(who.user_id),
        "verdict": gate.verdict.value,
        "previous": list(speaks_by(model.metrics)),
        "now": list(speaks_by(added)),
    }
    write_down(connection, who, "model.calibrate", ("ml_models", model.id), act, decision.now)
