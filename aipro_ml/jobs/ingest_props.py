"""Import of player props: the two prices of each player's line at each book, of games that are stored."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.config import Settings
from aipro_ml.db.repositories import boxes, props, quality, reference
from aipro_ml.enums import Severity
from aipro_ml.errors import UsageError
from aipro_ml.identity import derive_id
from aipro_ml.jobs.database import opened, unit
from aipro_ml.jobs.ingest import ImportOptions
from aipro_ml.jobs.ingest_boxes import stored_schedule
from aipro_ml.jobs.ingest_record import digest_of, finding_checks, left_behind, refuse_if_strict
from aipro_ml.jobs.places import Refuse, files_at, raise_it, read_together
from aipro_ml.sources.action_network_props import PropBatch
from aipro_ml.sources.base import Finding
from aipro_ml.sources.dated import in_order
from aipro_ml.sources.player_props import PROP_SOURCES, PropSource, prop_markets


@dataclass(frozen=True)
class PropReport:
    """What one import of player props wrote, and what it refused."""

    source: str
    sport: str
    rows_read: int
    prices: int
    markets: int
    books: int = 0
    players: int = 0
    props: int = 0
    quality_rows: int = 0
    rejected: int = 0
    warnings: int = 0
    report: Path | None = None
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def rows_written(self) -> int:
        """Return the rows inserted or updated in all tables."""
        return self.books + self.players + self.props + self.quality_rows

    def facts(self) -> dict[str, object]:
        """Return the counts by name, for a table."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        shown = {name: value for name, value in told.items() if name not in ("findings", "notes", "report")}
        return {**shown, "rows_written": self.rows_written, "report": str(self.report or "")}


def import_props(settings: Settings, name: str, places: list[str], options: ImportOptions) -> PropReport:
    """Import the files (or folders of files) at `places`, read as the source `name` of player props.

    Everything lands in one transaction; the same content again writes nothing. Raises AiproError where `strict`
    refuses the batch, UsageError where no game of the sport is stored or a kind of file is missing.
    """
    source, files = prop_source(name), files_at(places)
    with opened(settings) as engine:
        batch, markets, files = _read(engine, source, files, raise_it if options.strict else options.on_refused)
        options.on_step(1, 4)
        refuse_if_strict(batch.findings, strict=options.strict)
        return _store_all(engine, settings, (batch, markets), files, options)


def validate_props(
    settings: Settings, name: str, places: list[str], on_refused: Refuse = raise_it
) -> tuple[dict[str, object], tuple[Finding, ...]]:
    """Return the counts and findings of player props read against the stored games, storing nothing."""
    source, files = prop_source(name), files_at(places)
    with opened(settings) as engine:
        batch, markets, _ = _read(engine, source, files, on_refused)
    rules = Counter(f"{finding.rule} ({finding.severity})" for finding in batch.findings)
    counts: dict[str, object] = {
        "source": batch.source,
        "sport": batch.sport,
        "rows read": batch.rows_read,
        "prices": len(batch.props),
        "markets": len(markets),
        "players": markets["player"].nunique(),
        "games": markets["game"].nunique(),
        "findings": ", ".join(f"{count} {rule}" for rule, count in sorted(rules.items())) or "none",
    }
    return counts, batch.findings


def prop_source(name: str) -> PropSource:
    """Return the source of player props `name`; UsageError naming the known ones otherwise."""
    if name not in PROP_SOURCES:
        raise UsageError(f"unknown source {name!r} of player props; known: {', '.join(PROP_SOURCES)}")
    return PROP_SOURCES[name]


def _read(
    engine: Engine, source: PropSource, files: Mapping[str, bytes], on_refused: Refuse
) -> tuple[PropBatch, pd.DataFrame, dict[str, bytes]]:
    """Return what the files say, with all findings, its markets, and the files that could be read."""
    schedule = stored_schedule(engine, source.sport)
    batch, left = read_together(files, lambda some: source.read(some, schedule), on_refused)
    markets, found = prop_markets(batch)
    return replace(batch, findings=in_order((*batch.findings, *found))), markets, left


def _store_all(
    engine: Engine,
    settings: Settings,
    read: tuple[PropBatch, pd.DataFrame],
    files: Mapping[str, bytes],
    options: ImportOptions,
) -> PropReport:
    batch, markets = read
    digest = digest_of(list(files.values()))
    with unit(engine, dry_run=options.dry_run) as connection:
        reference.lock_sport(connection, batch.sport)
        report = _store(connection, batch, markets, digest, options)
    return replace(report, **left_behind(settings, report, files.values(), digest, dry_run=options.dry_run))


def _store(
    connection: Connection, batch: PropBatch, markets: pd.DataFrame, digest: str, options: ImportOptions
) -> PropReport:
    now, source = options.now, f"{batch.source}_props"
    seen = quality.first_checked(connection, source=source, content=digest) is not None
    books = pd.DataFrame({"name": [book.name for book in batch.books], "is_sharp": False})
    written_books = reference.save_books(connection, books, now) if len(books) else 0
    players = boxes.save_players(connection, _players(markets, batch.sport), now)
    options.on_step(2, 4)
    count = props.save_props(connection, _rows(markets, batch.sport, now), now, seen_before=seen)
    options.on_step(3, 4)
    found = in_order((*batch.findings, *_differing(markets.loc[count.differing])))
    checks = finding_checks(found, batch.rows_read)
    quality_rows = quality.save_checks(connection, source=source, content=digest, checks=checks, now=now)
    options.on_step(4, 4)
    return PropReport(
        source=source,
        sport=batch.sport,
        rows_read=batch.rows_read,
        prices=len(batch.props),
        markets=len(markets),
        books=written_books,
        players=players,
        props=count.inserted,
        quality_rows=0 if seen else quality_rows,
        findings=found,
    )


def _players(markets: pd.DataFrame, code: str) -> pd.DataFrame:
    one = markets.drop_duplicates("player", keep="last")
    return pd.DataFrame(
        {
            "id": [_player_id(code, player) for player in one["player"]],
            "external_id": one["player"].array,
            "name": one["player_name"].array,
            "position": pd.Series(pd.NA, index=one.index, dtype="string").array,
        }
    )


def _player_id(code: str, player: str) -> str:
    """Return the id of a player (system of numbers, colon, number), the same as box scores give him."""
    system, number = player.split(":", 1)
    return str(derive_id("player", code, system, number))


def _rows(markets: pd.DataFrame, code: str, now: object) -> pd.DataFrame:
    """Return rows of `fact_player_props`: known at the close, of games to come with this import."""
    players = {player: _player_id(code, player) for player in markets["player"].unique()}
    books = {book: str(derive_id("sportsbook", book)) for book in markets["book"].unique()}
    moment = pd.Timestamp(str(now)).tz_convert("UTC").as_unit("us")
    return pd.DataFrame(
        {
            "game_id": markets["game"],
            "player_id": markets["player"].map(players),
            "prop_type": markets["prop"],
            "line": markets["line"],
            "sportsbook_id": markets["book"].map(books),
            "over_price": markets["over_price"],
            "under_price": markets["under_price"],
            "as_of": markets["as_of"].clip(upper=moment),
        }
    )


def _differing(markets: pd.DataFrame) -> tuple[Finding, ...]:
    """Return a warning for each market whose stored prices of the same moment are others."""
    said = "other prices of this prop are stored for the same moment: they stay"
    facts = ["file", "line_number", "player_name", "prop", "line"]
    return tuple(
        Finding(file, int(number), "odds", f"{name} {prop} {line:g}", "price_differs", said, Severity.WARNING)
        for file, number, name, prop, line in markets[facts].itertuples(index=False)
    )
