"""Import of each source: fetch, read into canonical frames, store."""

import hashlib
from dataclasses import asdict, dataclass, replace

from sqlalchemy import Engine

from aipro_ml.config import Settings
from aipro_ml.db.repositories import quality
from aipro_ml.errors import GuardError
from aipro_ml.identity import canonical_json
from aipro_ml.jobs.database import opened
from aipro_ml.jobs.fetch import fetch
from aipro_ml.jobs.ingest import ImportOptions, ImportReport, import_batch
from aipro_ml.sources.base import SourceBatch


@dataclass(frozen=True)
class League:
    """A league to simulate."""

    sport: str
    seasons: int
    books: int
    seed: int


def import_nflverse(settings: Settings, place: str, options: ImportOptions) -> ImportReport:
    """Import the nflverse games file at `place` (path or http address, plain or gzip)."""
    from aipro_ml.sources import nflverse

    name, content = fetch(place)
    batch = nflverse.read(content, name=name, known_from=options.now)
    batch = replace(batch, known_from=None)  # prices were seen now at the latest; results when the games ended
    with opened(settings) as engine:
        return import_batch(engine, settings, batch, content=content, options=options)


def import_synthetic(settings: Settings, league: League, options: ImportOptions) -> ImportReport:
    """Import a simulated league; what is kept as its raw payload is the recipe."""
    from aipro_ml.sources import synthetic

    batch = synthetic.generate(league.sport, seasons=league.seasons, books=league.books, seed=league.seed)
    content = canonical_json(asdict(league))
    with opened(settings) as engine:
        _refuse_mixture(engine, batch, content)
        return import_batch(engine, settings, batch, content=content, options=options)


def _refuse_mixture(engine: Engine, batch: SourceBatch, content: bytes) -> None:
    """Raise GuardError where another simulated league is stored: two would overwrite each other's games."""
    with engine.connect() as connection:
        known = quality.contents(connection, source=batch.source)
    if known - {hashlib.sha256(content).hexdigest()}:
        raise GuardError(
            f"{batch.sport} holds a league simulated by another recipe (seasons, books or seed): import into a "
            "database of its own (another AIPRO_HOME)"
        )


def recent_checks(settings: Settings, limit: int) -> list[dict[str, object]]:
    """Return the latest data-quality checks."""
    with opened(settings) as engine, engine.connect() as connection:
        return quality.recent_checks(connection, limit)
