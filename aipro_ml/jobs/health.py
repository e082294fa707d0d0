"""Health: database, disk, artifacts, MLflow and the age of each sport's quotes, looked at and kept."""

import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg
from sqlalchemy import Engine

from aipro_ml.config import NightlyConfig, Settings
from aipro_ml.db import engine as database
from aipro_ml.db.repositories import games, health, models
from aipro_ml.db.repositories.health import ComponentHealth
from aipro_ml.errors import AiproError, ArtifactError
from aipro_ml.jobs.nightly_window import upcoming
from aipro_ml.training.artifacts import artifact_hash, verify

GIB = 1024**3
HEALTHY, DEGRADED, DOWN = "healthy", "degraded", "down"


def look(
    engine: Engine, settings: Settings, plan: NightlyConfig, sports: Sequence[str], now: datetime
) -> list[ComponentHealth]:
    """Return how each component is now; what cannot be reached is down, and stops nothing."""
    return [
        _database(engine),
        _disk(settings, plan),
        _artifacts(engine, settings, sports),
        _mlflow(settings),
        *(_source(engine, plan, code, now) for code in sports),
    ]


def keep(engine: Engine, found: Sequence[ComponentHealth], at: datetime) -> int:
    """Keep a snapshot of each component at a moment; return the new rows."""
    with engine.begin() as connection:
        return health.save_health(connection, found, at)


def _database(engine: Engine) -> ComponentHealth:
    with engine.connect() as connection:
        facts = health.server_facts(connection)
    says = f"PostgreSQL {facts['version']}, {facts['size'] / GIB:.2f} GiB, {facts['connections']} connections"
    return ComponentHealth("database", HEALTHY, says, facts)


def _disk(settings: Settings, plan: NightlyConfig) -> ComponentHealth:
    settings.home.mkdir(parents=True, exist_ok=True)
    usage = shutil.disk_usage(settings.home)
    free = usage.free / GIB
    status = HEALTHY if free >= plan.disk_free_gib else DEGRADED
    says = f"{free:.1f} GiB free where AIPRO_HOME lies, {plan.disk_free_gib:g} wanted"
    return ComponentHealth("disk", status, says, {"free_gib": round(free, 3), "total_gib": round(usage.total / GIB, 3)})


def _artifacts(engine: Engine, settings: Settings, sports: Sequence[str]) -> ComponentHealth:
    with engine.connect() as connection:
        spoken = [model for code in sports for model in models.production_models(connection, code).values()]
    faults = [fault for model in spoken if (fault := artifact_fault(settings, model)) is not None]
    metrics = {"models": len(spoken), "faults": faults}
    if faults:
        return ComponentHealth("artifacts", DOWN, faults[0], metrics)
    return ComponentHealth("artifacts", HEALTHY, f"{len(spoken)} production models, every file whole", metrics)


def artifact_fault(settings: Settings, model: models.StoredModel) -> str | None:
    """Return what is wrong with a model's artifact on disk, None where every file is as the database names it."""
    folder = settings.artifacts_dir / model.file_path
    try:
        verify(folder)
        if artifact_hash(folder) != model.metrics.get("artifact_hash"):
            return f"{folder}: not the artifact the database names"
    except ArtifactError as error:
        return str(error)
    return None


def _mlflow(settings: Settings) -> ComponentHealth:
    address = settings.mlflow_tracking_uri or ""
    try:
        says = _answers(address) if address.startswith("http") else _stored(settings)
    except (AiproError, psycopg.Error, OSError) as error:
        return ComponentHealth("mlflow", DOWN, " ".join(str(error).split())[:200])
    return ComponentHealth("mlflow", HEALTHY, says)


def _stored(settings: Settings) -> str:
    if settings.mlflow_tracking_uri:
        return f"kept in {settings.mlflow_tracking_uri.partition('://')[0]} storage of its own"
    return "its database is there" if database.has_mlflow_database(settings) else "not used yet"


def _answers(address: str) -> str:
    import httpx

    try:
        answer = httpx.get(address.rstrip("/") + "/health", timeout=5)
    except httpx.HTTPError as error:
        raise OSError(f"MLflow does not answer ({type(error).__name__})") from None
    if not answer.is_success:
        raise OSError(f"MLflow answers {answer.status_code}")
    return "its server answers"


def _source(engine: Engine, plan: NightlyConfig, code: str, now: datetime) -> ComponentHealth:
    """Return how old the sport's newest quote is; stale only where games are ahead that need fresh ones."""
    with engine.connect() as connection:
        newest = health.newest_quote(connection, code, now)
        ahead = len(upcoming(games.schedule(connection, code), now, timedelta(hours=plan.horizon_hours)))
    age = None if newest is None else (now - newest) / timedelta(hours=1)
    stale = ahead > 0 and (age is None or age > plan.source_age_hours)
    says = "no quote at all" if age is None else f"newest quote {age:.1f} h old"
    metrics = {"age_hours": None if age is None else round(age, 3), "games_ahead": ahead}
    return ComponentHealth(f"quotes {code}", DEGRADED if stale else HEALTHY, f"{says}, {ahead} games ahead", metrics)
