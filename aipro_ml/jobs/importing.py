"""Import of each source: fetch, read into canonical frames, store."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd
from sqlalchemy import Engine

from aipro_ml.config import Settings
from aipro_ml.db.repositories import games, quality
from aipro_ml.errors import AiproError, GuardError, UsageError
from aipro_ml.features.sport import sport
from aipro_ml.identity import canonical_json
from aipro_ml.jobs.database import opened
from aipro_ml.jobs.fetch import fetch, is_address, shown_address
from aipro_ml.jobs.ingest import ImportOptions, ImportReport, import_batch
from aipro_ml.jobs.ingest_games import current_of
from aipro_ml.jobs.ingest_record import keep_raw
from aipro_ml.jobs.places import Refuse, entries, named_content, raise_it, refuse
from aipro_ml.sources.base import GAME_COLUMNS, SourceBatch, conform
from aipro_ml.sources.registry import Source, Told, source

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class League:
    """A league to simulate."""

    sport: str
    seasons: int
    books: int
    seed: int


@dataclass(frozen=True)
class Request:
    """What to read: a source by name, its files, folders or addresses, and what the files do not say."""

    source: str
    places: tuple[str, ...]
    sport: str | None = None
    season: int | None = None
    mapping: str | None = None


def _no_report(report: ImportReport) -> None:
    """Pass over what one file brought."""


def import_source(
    settings: Settings,
    request: Request,
    options: ImportOptions,
    on_file: Callable[[ImportReport], None] = _no_report,
) -> list[ImportReport]:
    """Import every file of the request, each in a transaction of its own, and return what each brought.

    The files of a source that is a folder make one import. Interrupted between two files, the same request
    again goes on: what landed writes nothing twice. A file that is refused goes to `options.on_refused`, and the
    others follow where that returns. Raises UsageError for what the request lacks.
    """
    chosen, reports = source(request.source), []
    told = _told(chosen, request)
    batches = _batches(chosen, request.places)
    with opened(settings) as engine:
        for number, (label, files, fetched) in enumerate(batches):
            step = _step(options.on_step, number, len(batches))
            known = replace(told, taken_at=options.now) if chosen.live and fetched else told
            own = replace(options, on_step=step, name=label)
            try:
                report = _import_files(engine, settings, chosen, known, files(), own)
            except AiproError as error:
                refuse(error, options.on_refused)
                continue
            reports.append(report)
            on_file(report)
    return reports


def read_source(
    settings: Settings | None, request: Request, on_refused: Refuse = raise_it
) -> Iterator[tuple[str, SourceBatch]]:
    """Yield each file's name and what it says, storing nothing; `settings` are needed for stored schedules.

    A file that cannot be read goes to `on_refused`.
    """
    chosen = source(request.source)
    told = _told(chosen, request)
    batches = _batches(chosen, request.places)
    if "schedule" in chosen.needs:
        if settings is None:
            raise UsageError(f"{request.source} needs the stored schedule")
        with opened(settings) as engine:
            told = _with_schedule(engine, chosen, told)
    for label, files, _ in batches:
        try:
            batch = chosen.read(files(), told)
        except AiproError as error:
            refuse(error, on_refused)
            continue
        yield label, batch


def import_nflverse(settings: Settings, place: str, options: ImportOptions) -> ImportReport:
    """Import the nflverse games file at `place` (path or http address, plain or gzip)."""
    (report,) = import_source(settings, Request("nflverse", (place,)), options)
    return report


def _told(chosen: Source, request: Request) -> Told:
    """Return what the reader is told; UsageError for what it needs and the request lacks."""
    if "sport" in chosen.needs and request.sport is None:
        raise UsageError(f"{chosen.name} does not say its sport: give --sport")
    code = "" if request.sport is None else sport(request.sport).code
    if "mapping" in chosen.needs and request.mapping is None:
        raise UsageError(f"{chosen.name} needs --mapping, a file that says what the columns mean; see aipro data map")
    mapping = None
    if request.mapping is not None:
        from aipro_ml.sources.mapping import load_mapping

        name, content = fetch(request.mapping)
        mapping = load_mapping(content, name=name)
    return Told(sport=code, season=request.season, mapping=mapping)


def _batches(chosen: Source, places: tuple[str, ...]) -> list[tuple[str, Callable[[], Files], bool]]:
    """Return the imports to make: each one's name, its files, read only when asked for, and whether from the web."""
    if not places:
        raise UsageError(f"{chosen.name} reads files: name at least one, or a folder or address")
    found = [entry for place in places for entry in entries(place)]
    if chosen.folder:
        return [(_label(places[0]), lambda: dict(named_content(*entry) for entry in found), False)]
    return [(name or _label(place), partial(_only, place, name), is_address(place)) for place, name in found]


def _label(place: str) -> str:
    """Return what a file, folder or address is called in reports: never its query or password."""
    return shown_address(place).rstrip("/").rsplit("/", 1)[-1] if is_address(place) else Path(place).resolve().name


def _only(place: str, name: str) -> Files:
    return dict([named_content(place, name)])


def _import_files(
    engine: Engine, settings: Settings, chosen: Source, told: Told, files: Files, options: ImportOptions
) -> ImportReport:
    told = _with_schedule(engine, chosen, told)
    batch = replace(chosen.read(files, told), known_from=told.taken_at)
    content = next(iter(files.values())) if len(files) == 1 else _manifest(files)
    options = replace(options, name=options.name or next(iter(files)))
    report = import_batch(engine, settings, batch, content=content, options=options)
    if len(files) > 1 and not options.dry_run:
        for each in files.values():
            keep_raw(settings.raw_dir, each)
    return report


def _with_schedule(engine: Engine, chosen: Source, told: Told) -> Told:
    """Return what is told with the stored games, for sources that know no times of their own."""
    if "schedule" not in chosen.needs:
        return told
    code = told.sport or "NFL"
    with engine.connect() as connection:
        stored = current_of(games.revisions_of(connection, code, games.seasons(connection, code)))
    if stored.empty:
        raise UsageError(f"{chosen.name} has no times of its own: import the {code} schedule first, such as nflverse")
    return replace(told, schedule=_schedule(stored))


def _schedule(stored: pd.DataFrame) -> pd.DataFrame:
    """Return stored games as GAME_COLUMNS, each under its stored id."""
    renamed = stored.reset_index(drop=True).rename(columns={"game_id": "game", "game_date": "kickoff"})
    unknown = pd.Series(pd.NA, index=renamed.index, dtype="string")
    return conform(renamed.assign(venue=unknown, line_number=0), GAME_COLUMNS)


def _manifest(files: Files) -> bytes:
    """Return what stands for a folder: the hash of each file by its name."""
    return canonical_json({name: hashlib.sha256(content).hexdigest() for name, content in files.items()})


def _step(on_step: Callable[[int, int], None], number: int, count: int) -> Callable[[int, int], None]:
    """Return the progress of one of `count` imports as progress of all."""
    return lambda done, total: on_step(number * total + done, count * total)


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
