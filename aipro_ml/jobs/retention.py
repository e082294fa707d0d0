"""Retention: raw payloads, artifacts, backups and ended sessions nothing needs any more go after their time."""

import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from aipro_ml.config import RetentionConfig, Settings
from aipro_ml.db.locks import held
from aipro_ml.db.repositories import acts, keeping, models, sessions
from aipro_ml.jobs.database import backup

BACKUPS = "backups"
_SUFFIX = ".backup"


@dataclass(frozen=True)
class Removed:
    """What retention removed (or, dry, would remove)."""

    raw: int = 0
    artifacts: int = 0
    backups: int = 0
    bytes: int = 0
    sessions: int = 0

    @property
    def says(self) -> str:
        """Return it in words."""
        counts = f"{self.raw} raw payloads, {self.artifacts} artifacts, {self.backups} backups"
        return f"{counts} removed, {self.bytes / 1024**2:.1f} MiB; {self.sessions} ended sessions"


def tidy(engine: Engine, settings: Settings, keep: RetentionConfig, now: datetime, *, dry_run: bool = False) -> Removed:
    """Remove what is older than `keep` says and needed by nothing; never what a ledger row or promotion names.

    Needed: of raw payloads each source's newest; of artifacts those of models in production, in the ledger, in a
    promotion, or the best challenger. An artifact that goes leaves its rows and an entry in the audit log. A second
    call at the same time waits for the first.
    """
    with held(engine, "retention"):
        return _tidied(engine, settings, keep, now, dry_run=dry_run)


def _tidied(engine: Engine, settings: Settings, keep: RetentionConfig, now: datetime, *, dry_run: bool) -> Removed:
    raw = list(_old_raw(engine, settings, keep, now))
    old = _old_models(engine, keep, now)
    folders = [(model, places) for model in old if (places := _places(settings, model))]
    spare = backups_of(settings)[keep.backups + 1 :] if keep.backups else []
    size = sum(_size(place) for place in [*raw, *spare])
    if not dry_run:
        for place in [*raw, *spare]:
            place.unlink(missing_ok=True)
    freed = [_removed(engine, model, places, None if dry_run else now) for model, places in folders]
    size, gone = size + sum(each or 0 for each in freed), sum(each is not None for each in freed)
    return Removed(len(raw), gone, len(spare), size, _drop_sessions(engine, now, dry_run=dry_run))


def new_backup(settings: Settings, now: datetime) -> Path:
    """Write a backup of the database, named by the moment, into the home; return its place."""
    folder = settings.home / BACKUPS
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"aipro-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}{_SUFFIX}"
    backup(settings, place)
    return place


def backups_of(settings: Settings) -> list[Path]:
    """Return the backups the schedule made, newest first."""
    return sorted((settings.home / BACKUPS).glob(f"aipro-*{_SUFFIX}"), reverse=True)


def _drop_sessions(engine: Engine, now: datetime, *, dry_run: bool) -> int:
    """Delete the sessions whose time is over; return how many. A used token of one is refused by its time anyway."""
    with engine.begin() as connection:
        return sessions.count_expired(connection, now) if dry_run else sessions.drop_expired(connection, now)


def _old_raw(engine: Engine, settings: Settings, keep: RetentionConfig, now: datetime) -> Iterator[Path]:
    if not keep.raw_days or not settings.raw_dir.is_dir():
        return
    with engine.connect() as connection:
        newest = keeping.newest_contents(connection)
    before = (now - timedelta(days=keep.raw_days)).timestamp()
    for place in sorted(settings.raw_dir.iterdir()):
        if place.is_file() and place.name not in newest and place.stat().st_mtime < before:
            yield place


def _old_models(engine: Engine, keep: RetentionConfig, now: datetime) -> list[models.StoredModel]:
    if not keep.artifacts_days:
        return []
    with engine.connect() as connection:
        needed: Collection[object] = keeping.needed_models(connection)
        stored = models.list_models(connection)
    before = now - timedelta(days=keep.artifacts_days)
    newest = {(model.sport, model.bet_type): model.id for model in reversed(stored)}.values()
    return [m for m in stored if m.created_at < before and m.id not in needed and m.id not in newest and m.file_path]


def _places(settings: Settings, model: models.StoredModel) -> list[Path]:
    folder = settings.artifacts_dir / model.file_path
    return [place for place in (folder, folder.with_name(f"{folder.name}.calibration")) if place.is_dir()]


def _removed(engine: Engine, model: models.StoredModel, places: list[Path], now: datetime | None) -> int | None:
    """Remove the model's folders (`now` None: do not) and return their bytes; None where it is needed meanwhile.

    A promotion waits: it finds the files still there and the model kept, or gone.
    """
    size = sum(_size(place) for place in places)
    if now is None:
        return size
    with engine.begin() as connection:
        acts.lock_decisions(connection, model.sport)
        if model.id in keeping.needed_models(connection):
            return None
        for place in places:
            acts.audit(connection, "artifact.remove", "ml_models", str(model.id), {"path": place.name}, now)
            shutil.rmtree(place)
    return size


def _size(place: Path) -> int:
    files = [place] if place.is_file() else [each for each in place.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files)
