"""Which model speaks for the platform: one atomic decision, written to every table that shows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from aipro_ml.config import Settings
from aipro_ml.db.repositories import acts, models
from aipro_ml.enums import BetType
from aipro_ml.errors import GuardError, UsageError
from aipro_ml.identity import derive_id
from aipro_ml.jobs.database import unit
from aipro_ml.training.artifacts import verify


@dataclass(frozen=True)
class Decision:
    """Who promotes, why and when; a dry run decides nothing."""

    reason: str
    actor: str
    now: datetime
    dry_run: bool = False


def promote(engine: Engine, settings: Settings, reference: str, decision: Decision) -> models.StoredModel:
    """Make the model whose id begins with `reference` the production model of its sport and bet type.

    Refuses (GuardError) a suspected leak or a model that was never calibrated; a damaged artifact is an error.
    """
    if not decision.reason.strip():
        raise UsageError('a promotion needs a reason: --reason "…"')
    with unit(engine, dry_run=decision.dry_run) as connection:
        model = models.find_model(connection, reference)
        _guard(model)
        verify(settings.artifacts_dir / model.file_path)
        if model.is_production:
            return model
        previous = models.set_production(connection, model)
        row: dict[str, Any] = {
            "sport_id": derive_id("sport", model.sport),
            "bet_type": model.bet_type,
            "model_id": model.id,
            "previous_model_id": previous,
            "action": "promote",
            "verdict": "PROMOTE",
            "reason": decision.reason,
            "actor": decision.actor,
            "gate": {"leak": model.metrics.get("leak"), "leaderboard": model.metrics.get("leaderboard")},
            "artifact_hash": model.metrics.get("artifact_hash"),
            "decided_at": decision.now,
        }
        acts.save_promotion(connection, row)
        act = {
            "reason": decision.reason,
            "actor": decision.actor,
            "previous": None if previous is None else str(previous),
        }
        acts.audit(connection, "model.promote", "ml_models", str(model.id), act, decision.now)
    return model


def best_model(found: list[models.StoredModel], sport: str, bet_type: BetType) -> models.StoredModel | None:
    """Return the promotable model with the least walk-forward log loss among `found`, if any."""
    fit = [model for model in found if model.sport == sport and model.bet_type is bet_type and _refusal(model) is None]
    return min(fit, key=lambda model: (model.metrics["leaderboard"]["log_loss"], str(model.id)), default=None)


def _refusal(model: models.StoredModel) -> str | None:
    if model.metrics.get("leak") == "suspected_leak":
        return "it beats the closing market by more than three standard errors: a leak until proven otherwise"
    if "leaderboard" not in model.metrics:
        return "its training never ended, so it was never compared: run `aipro train resume`"
    if "calibration" not in model.metrics:
        return f"it was never calibrated: run `aipro calibrate run {str(model.id)[:8]}` first"
    return None


def _guard(model: models.StoredModel) -> None:
    refusal = _refusal(model)
    if refusal is not None:
        raise GuardError(f"model {str(model.id)[:8]} ({model.name}) is not promoted: {refusal}")
