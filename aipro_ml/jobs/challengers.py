"""Challengers: models trained again by the clock, calibrated, and put before the gate; they shadow the champion."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from aipro_ml.config import ModelConfig, Settings, TrainingConfig, training_config
from aipro_ml.db.repositories import games, models
from aipro_ml.enums import BetType, CalibrationMethod
from aipro_ml.errors import AiproError, GuardError, UsageError
from aipro_ml.jobs.calibrate import calibrate
from aipro_ml.jobs.promote import Decision, best_model, promote
from aipro_ml.jobs.sync import aliases_problem
from aipro_ml.jobs.train import TrainingRequest, train

ACTOR = "schedule"


@dataclass(frozen=True)
class Retraining:
    """What to train anew: a sport's candidates, or (`only_champion`) the production model's own, by the `clock`."""

    sport: str
    clock: Callable[[], datetime]
    config: TrainingConfig | None = None
    seasons: int = 4
    only_champion: bool = False


def retrain(engine: Engine, settings: Settings, request: Retraining) -> list[str]:
    """Train, calibrate and judge a challenger of each bet type in production; return what became of each.

    The best challenger of earlier weeks is judged first: it may have shadowed the champion long enough by now. What
    the gate holds or rejects stays a challenger, and the nights go on letting the best one predict beside the
    champion. AiproError, once every bet type had its turn, where one could not be trained or calibrated.
    """
    with engine.connect() as connection:
        champions = models.production_models(connection, request.sport)
    said, failed = [], []
    for champion in champions.values():
        try:
            said.append(_bet_type(engine, settings, request, champion))
        except AiproError as error:
            failed.append(f"{champion.sport} {champion.bet_type}: {error}")
    if failed:
        raise AiproError("; ".join([*failed, *said]))
    return said


def challenger_of(found: list[models.StoredModel], champion: models.StoredModel) -> models.StoredModel | None:
    """Return the best calibrated model that was trained later than the champion, if any."""
    newer = [model for model in found if model.created_at > champion.created_at and not model.is_production]
    return best_model(newer, champion.sport, champion.bet_type)


def _bet_type(engine: Engine, settings: Settings, request: Retraining, champion: models.StoredModel) -> str:
    about = f"{champion.sport} {champion.bet_type}"
    with engine.connect() as connection:
        standing = challenger_of(models.list_models(connection, champion.sport, champion.bet_type), champion)
    if standing is not None and _judged(engine, settings, standing, request.clock) is None:
        return f"{about}: {standing.name} of {standing.created_at:%Y-%m-%d} is in production now"
    fresh = _trained(engine, settings, request, champion)
    if fresh is None:
        return f"{about}: nothing new to learn from"
    refusal = _judged(engine, settings, fresh, request.clock)
    return f"{about}: {fresh.name} " + ("is in production now" if refusal is None else f"waits: {refusal}")


def _judged(engine: Engine, settings: Settings, model: models.StoredModel, clock: Callable[[], datetime]) -> str | None:
    """Put a model before the gate; return why it was not promoted, None where it was."""
    try:
        decision = Decision("trained again by the schedule", ACTOR, clock(), clock=clock)
        promote(engine, settings, str(model.id), decision)
    except GuardError as refused:
        return str(refused)
    aliases_problem(engine, settings, model.sport, model.bet_type)  # it logs what it could not do
    return None


def _trained(
    engine: Engine, settings: Settings, request: Retraining, champion: models.StoredModel
) -> models.StoredModel | None:
    """Return the best of the candidates trained on everything up to now, calibrated; None where none is new."""
    with engine.connect() as connection:
        schedule = games.schedule(connection, champion.sport)
    played = schedule.loc[schedule["status"] == "final", "season"]
    if played.empty:
        raise UsageError(f"{champion.sport} has no played game to learn from")
    last = int(played.max())
    config = _own_config(champion) if request.only_champion else (request.config or training_config())
    asked = TrainingRequest(
        champion.sport,
        BetType(champion.bet_type),
        config,
        request.clock(),
        last - request.seasons + 1,
        last,
        decision_minutes=int(champion.metrics["identity"]["decision_minutes"]),
        clock=request.clock,
    )
    report = train(engine, settings, asked)
    new = [row for row in report.models if row.is_new]
    for row in new:
        calibrate(engine, settings, str(row.model_id), CalibrationMethod.AUTO, request.clock())
    with engine.connect() as connection:
        stored = models.models_by_id(connection, {row.model_id for row in new})
    best = best_model(list(stored.values()), champion.sport, champion.bet_type)
    if new and best is None:
        raise AiproError(f"{champion.sport} {champion.bet_type}: each new model is suspected of a leak")
    return best


def _own_config(champion: models.StoredModel) -> TrainingConfig:
    """Return a configuration with the champion's own candidate only."""
    identity = champion.metrics["identity"]
    own = ModelConfig.model_validate(identity["config"])
    return TrainingConfig(seed=int(identity["seed"]), models={champion.bet_type: (own,)})
