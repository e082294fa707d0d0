"""MLflow brought to what the database says: missing runs logged, aliases set; the same again changes nothing."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from aipro_ml.config import Settings
from aipro_ml.db import engine as database
from aipro_ml.db.locks import held
from aipro_ml.db.repositories import acts, models
from aipro_ml.db.repositories.trainings import completed_runs
from aipro_ml.enums import BetType
from aipro_ml.errors import AiproError, ArtifactError
from aipro_ml.features.sport import sport as find_sport
from aipro_ml.jobs.promote import best_model, line_of_champions
from aipro_ml.jobs.track import track_runs
from aipro_ml.training.model_versions import follow, registered_name

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class SyncReport:
    """Trainings looked at, runs added to MLflow, aliases that changed, and what could not be repaired."""

    trainings: int
    runs_added: int
    aliases: dict[str, str | None]
    problems: tuple[str, ...]


def sync(
    engine: Engine,
    settings: Settings,
    sport: str | None = None,
    on_step: Callable[[int, int], None] = lambda _done, _total: None,
) -> SyncReport:
    """Log every stored training MLflow lacks and set the aliases of every sport's bet type.

    TrackingError where MLflow cannot be reached. A model whose artifact is damaged is told of and left out.
    """
    code = None if sport is None else find_sport(sport).code
    with engine.connect() as connection:
        trainings = completed_runs(connection, sport=code)
        pairs = sorted({(model.sport, model.bet_type) for model in models.list_models(connection, code)})
    added, problems = 0, []
    for done, (training, runs) in enumerate(trainings.items(), start=1):
        try:
            added += track_runs(engine, settings, runs)
        except ArtifactError as error:
            problems.append(f"training {training[:8]}: {error}")
        on_step(done, len(trainings))
    changed: dict[str, str | None] = {}
    for code_, bet_type in pairs:
        aliases, missing = follow_aliases(engine, settings, code_, bet_type)
        changed |= aliases
        problems += [f"model {model[:8]} ({code_} {bet_type}) has no version in MLflow" for model in missing]
    return SyncReport(len(trainings), added, changed, tuple(problems))


def follow_aliases(
    engine: Engine, settings: Settings, sport: str, bet_type: BetType
) -> tuple[dict[str, str | None], list[str]]:
    """Set MLflow's aliases of a sport's bet type; return `alias of model` to what changed, and models without version.

    TrackingError where MLflow cannot be reached.
    """
    name = registered_name(sport, bet_type)
    with held(engine, f"mlflow aliases {name}"):  # what an older decision wants must not come after a newer one
        with engine.connect() as connection:
            wanted = wanted_aliases(connection, sport, bet_type)
        changed, missing = follow(database.mlflow_url(settings), name, wanted)
    return {f"{alias} of {name}": model for alias, model in changed.items()}, missing


def aliases_problem(engine: Engine, settings: Settings, sport: str, bet_type: BetType) -> str | None:
    """Set the aliases after a decision; return why MLflow could not follow, or None. The decision stands."""
    try:
        _, missing = follow_aliases(engine, settings, sport, bet_type)
    except AiproError as error:
        _LOGGER.warning("MLflow's aliases were not set", extra={"reason": str(error)})
        return str(error)
    return None if not missing else f"{len(missing)} of the models have no version there"


def wanted_aliases(connection: Connection, sport: str, bet_type: BetType) -> dict[str, str]:
    """Return the model each alias should name, as the database says; an alias without a model is left out."""
    found = models.list_models(connection, sport, bet_type)
    champion = next((model for model in found if model.is_production), None)
    others = [model for model in found if not model.is_production]
    line = line_of_champions(acts.decisions(connection, sport, bet_type))
    challenger = best_model(others, sport, bet_type)
    named = {
        "champion": None if champion is None else champion.id,
        "challenger": None if challenger is None else challenger.id,
        "shadow": acts.latest_live(connection, [model.id for model in others]),
        "previous": line[-2] if len(line) > 1 else None,
    }
    return {alias: str(model) for alias, model in named.items() if model is not None}
