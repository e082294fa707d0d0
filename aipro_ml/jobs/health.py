"""Health: database, disk, artifacts, MLflow and the age of each sport's quotes, looked at and kept."""

import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg
from sqlalchemy import Engine

from aipro_ml.config import HealthLimits, NightlyConfig, Settings, nightly_config
from aipro_ml.db import engine as database
from aipro_ml.db.repositories import health, models, nights
from aipro_ml.db.repositories.health import ComponentHealth
from aipro_ml.errors import AiproError, ArtifactError
from aipro_ml.jobs.nightly_window import upcoming
from aipro_ml.jobs.system_settings import limits_of_health
from aipro_ml.training.artifacts import artifact_hash, verify

GIB = 1024**3
HEALTHY, DEGRADED, DOWN = "healthy", "degraded", "down"


def look(
    engine: Engine, settings: Settings, plan: NightlyConfig, sports: Sequence[str], now: datetime
) -> list[ComponentHealth]:
    """Return how each component is now, against the plan's limits and those of `system_settings`.

    What cannot be reached is down, and stops nothing.
    """
    with engine.connect() as connection:
        limits = limits_of_health(connection, settings, plan)
        own = {code: limits_of_health(connection, settings, plan, code) for code in sports}
    return [
        _database(engine, limits),
        _disk(settings, limits),
        _artifacts(engine, settings, sports),
        _mlflow(settings),
        *(_source(engine, timedelta(hours=plan.horizon_hours), code, own[code], now) for code in sports),
    ]


def keep(engine: Engine, found: Sequence[ComponentHealth], at: datetime) -> int:
    """Keep a snapshot of each component at a moment; return the new rows."""
    with engine.begin() as connection:
        return health.save_health(connection, found, at)


def look_now(engine: Engine, settings: Settings, now: datetime, *, keep_it: bool) -> list[dict[str, object]]:
    """Return how each component is, of the sports of the night's plan or in production, as rows of a table."""
    plan = nightly_config(settings)
    with engine.connect() as connection:
        sports = list(plan.sports) or nights.sports_in_production(connection)
    found = look(engine, settings, plan, sports, now)
    if keep_it:
        keep(engine, found, now)
    return [{"component": one.component, "status": one.status, "at": now, "says": one.says} for one in found]


def last_look(engine: Engine) -> list[dict[str, object]]:
    """Return the snapshot of each component that was kept last, as rows of a table."""
    with engine.connect() as connection:
        kept = health.latest_health(connection)
    return [
        {
            "component": row["component"],
            "status": row["status"],
            "at": row["snapshot_at"],
            "says": (row["metrics"] or {}).get("says", ""),
        }
        for row in kept
    ]


def _database(engine: Engine, limits: HealthLimits) -> ComponentHealth:
    with engine.connect() as connection:
        facts = health.server_facts(connection)
    used = f"{facts['connections']} of {facts['most_connections']} connections"
    full = facts["connections"] > limits.connections_share * facts["most_connections"]
    says = f"PostgreSQL {facts['version']}, {facts['size'] / GIB:.2f} GiB, {used}"
    return ComponentHealth("database", DEGRADED if full else HEALTHY, says, facts)


def _disk(settings: Settings, limits: HealthLimits) -> ComponentHealth:
    settings.home.mkdir(parents=True, exist_ok=True)
    usage = shutil.disk_usage(settings.home)
    free = usage.free / GIB
    status = HEALTHY if free >= limits.disk_free_gib else DEGRADED
    says = f"{free:.1f} GiB free where AIPRO_HOME lies, {limits.disk_free_gib:g} wanted"
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


def _source(engine: Engine, window: timedelta, code: str, limits: HealthLimits, now: datetime) -> ComponentHealth:
    """Return how old the sport's newest quote is; stale only where games are ahead that need fresh ones."""
    with engine.connect() as connection:
        newest = health.newest_quote(connection, code, now)
        ahead = len(upcoming(connection, code, now, window))
    age = None if newest is None else (now - newest) / timedelta(hours=1)
    stale = ahead > 0 and (age is None or age > limits.source_age_hours)
    says = "no quote at all" if age is None else f"newest quote {age:.1f} h old"
    metrics = {"age_hours": None if age is None else round(age, 3), "games_ahead": ahead}
    return ComponentHealth(f"quotes {code}", DEGRADED if stale else HEALTHY, f"{says}, {ahead} games ahead", metrics)
