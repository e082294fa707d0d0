"""Import: canonical frames of a source into sports, teams, venues, games, revisions, odds and closing lines."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path

import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.config import Settings
from aipro_ml.db.repositories import quality, reference
from aipro_ml.enums import GameStatus
from aipro_ml.features.sport import Sport, sport
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.ingest_games import Placed, Reading, store_games
from aipro_ml.jobs.ingest_moved import Moved, mark_moved
from aipro_ml.jobs.ingest_quotes import store_closing, store_quotes
from aipro_ml.jobs.ingest_record import finding_checks, left_behind, refuse_if_strict
from aipro_ml.jobs.market import derive_markets
from aipro_ml.jobs.places import Refuse, raise_it
from aipro_ml.sources.base import Finding, SourceBatch
from aipro_ml.sources.home_grounds import at_home
from aipro_ml.times import iso_utc


def _silent(done: int, total: int) -> None:
    """Show no progress."""


@dataclass(frozen=True)
class ImportOptions:
    """How to import: `strict` refuses the whole batch if any row of it is bad, `dry_run` writes nothing.

    `name` is what findings about games call the file; `force` takes what is left of a file marked as suspect.
    `on_refused` gets the error of each file that is refused as a whole; where it returns, the other files follow.
    """

    now: datetime
    strict: bool = False
    dry_run: bool = False
    on_step: Callable[[int, int], None] = _silent
    name: str = ""
    force: bool = False
    on_refused: Refuse = raise_it


@dataclass(frozen=True)
class ImportReport:
    """What one import wrote, and what it refused."""

    source: str
    sport: str
    rows_read: int
    games_read: int
    games_matched: int = 0
    games_inserted: int = 0
    games_updated: int = 0
    revisions: int = 0
    quotes: int = 0
    quotes_corrected: int = 0
    closing_lines: int = 0
    closing_refused: int = 0
    derived_rows: int = 0
    reference_rows: int = 0
    quality_rows: int = 0
    rejected: int = 0
    warnings: int = 0
    report: Path | None = None
    findings: tuple[Finding, ...] = ()
    file: str = ""
    suspect: bool = False

    @property
    def rows_written(self) -> int:
        """Return the rows inserted or updated in all tables."""
        games = self.games_inserted + self.games_updated + self.revisions
        odds_rows = self.quotes + self.quotes_corrected + self.closing_lines + self.derived_rows
        return games + odds_rows + self.reference_rows + self.quality_rows

    def facts(self) -> dict[str, object]:
        """Return the counts by name, for a table."""
        hidden = {"findings", "file", "suspect"}
        shown = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in hidden}
        return {**shown, "rows_written": self.rows_written, "report": str(self.report or "")}


def import_batch(
    engine: Engine,
    settings: Settings,
    batch: SourceBatch,
    *,
    content: bytes,
    options: ImportOptions,
) -> ImportReport:
    """Store a batch in one transaction; the same batch again writes nothing.

    `content` is what was read; it is kept under its hash. Raises AiproError for a batch refused by `strict`.
    """
    batch = _seen_by(_without_early_scores(at_home(batch), options.now), options.now)
    games_read = len(batch.games)
    batch = _trusted(batch, options)
    refuse_if_strict(batch.findings, strict=options.strict)
    digest = hashlib.sha256(content).hexdigest()
    with unit(engine, dry_run=options.dry_run) as connection:
        report = _store(connection, batch, digest, options)
    left = left_behind(settings, report, [content], digest, dry_run=options.dry_run)
    return replace(report, games_read=games_read, **left)


def _without_early_scores(batch: SourceBatch, now: datetime) -> SourceBatch:
    """Return the batch with games that are final before they begin as scheduled ones, each a finding.

    Revisions are append-only: a score known before its kick-off would stand against the time rule for ever.
    """
    games = batch.games
    early = (games["status"] == GameStatus.FINAL) & (games["kickoff"] > pd.Timestamp(now))
    if not early.any():
        return batch
    said = f"a final score, but the game begins after the import ({iso_utc(now)}): lands as scheduled"
    findings = tuple(
        Finding(batch.source, int(line), "status", str(game), "score_before_kickoff", said)
        for game, line in zip(games.loc[early, "external_id"], games.loc[early, "line_number"], strict=True)
    )
    mended = games.assign(
        status=games["status"].mask(early, GameStatus.SCHEDULED.value),
        home_score=games["home_score"].mask(early),
        away_score=games["away_score"].mask(early),
        overtime=games["overtime"].mask(early, other=False),
    )
    closing = batch.closing[~batch.closing["game"].isin(games.loc[early, "game"])]
    return replace(batch, games=mended, closing=closing, findings=(*batch.findings, *findings))


def _seen_by(batch: SourceBatch, now: datetime) -> SourceBatch:
    """Return the batch with prices that count as seen later than the import as seen at it."""
    moment = pd.Timestamp(now).as_unit("us")
    late = batch.quotes["recorded_at"] > moment
    if not late.any():
        return batch
    quotes = batch.quotes.assign(recorded_at=batch.quotes["recorded_at"].mask(late, moment))
    key = ["game", "book", "market", "selection", "recorded_at"]
    return replace(batch, quotes=quotes.drop_duplicates(key, keep="last").reset_index(drop=True))


def _trusted(batch: SourceBatch, options: ImportOptions) -> SourceBatch:
    """Return the batch, or its findings alone where its file as a whole is suspect and nobody insists."""
    suspect = any(finding.rule == "suspect_file" for finding in batch.findings)
    if not suspect or options.force:
        return batch
    return SourceBatch(batch.sport, batch.source, findings=batch.findings, rows_read=batch.rows_read)


def _store(connection: Connection, batch: SourceBatch, digest: str, options: ImportOptions) -> ImportReport:
    league, now, on_step = sport(batch.sport), options.now, options.on_step
    reference.lock_sport(connection, league.code)
    written = _store_reference(connection, batch, league, now)
    on_step(1, 4)
    first_read = quality.first_checked(connection, source=batch.source, content=digest)
    reading = Reading(now, options.name or batch.source, again=first_read is not None)
    placed = store_games(connection, batch, league, reading)
    refuse_if_strict(placed.findings, strict=options.strict)
    moved = _moved(connection, batch, placed, league, options)
    on_step(2, 4)
    quotes = store_quotes(connection, batch, placed, now, first_read)
    on_step(3, 4)
    stated = store_closing(connection, batch, placed)
    # nothing new changes no market: what kicked off meanwhile is for `aipro odds close`
    news = placed.count.revisions or quotes.inserted or quotes.corrected or stated.written
    touched = [*placed.games["game_id"].astype(str), *moved.game_ids] if news else []
    market = derive_markets(connection, league.code, touched, now)
    found = (*batch.findings, *placed.findings, *moved.findings)
    quality_rows = 0
    if first_read is None:
        checks = finding_checks(found, batch.rows_read)
        quality_rows = quality.save_checks(connection, source=batch.source, content=digest, checks=checks, now=now)
    on_step(4, 4)
    return ImportReport(
        source=batch.source,
        sport=batch.sport,
        rows_read=batch.rows_read,
        games_read=len(batch.games),
        games_matched=placed.matched,
        games_inserted=placed.count.inserted,
        games_updated=placed.count.updated + moved.count.updated,
        revisions=placed.count.revisions + moved.count.revisions,
        quotes=quotes.inserted,
        quotes_corrected=quotes.corrected,
        closing_lines=stated.inserted + market.closing_lines,
        closing_refused=stated.refused(connection),
        derived_rows=stated.moved + market.written - market.closing_lines,
        reference_rows=written,
        quality_rows=quality_rows,
        findings=found,
        file=options.name,
        suspect=any(finding.rule == "suspect_file" for finding in found) and not options.force,
    )


def _moved(connection: Connection, batch: SourceBatch, placed: Placed, league: Sport, options: ImportOptions) -> Moved:
    """Mark the games that turn out to have been moved, where this import brought anything new about games."""
    if not placed.count.revisions:
        return Moved()
    return mark_moved(connection, league, batch.games["season"], options.now, options.name or batch.source)


def _store_reference(connection: Connection, batch: SourceBatch, league: Sport, now: datetime) -> int:
    if batch.games.empty:
        return 0
    written = reference.save_sport(connection, league.code, league.name, now)
    for count in (
        reference.save_teams(connection, league.code, batch.teams, now),
        reference.save_venues(connection, batch.venues, now),
        reference.save_seasons(connection, league.code, batch.seasons, now),
    ):
        written += count.inserted + count.updated
    books = pd.DataFrame({"name": [b.name for b in batch.books], "is_sharp": [b.is_sharp for b in batch.books]})
    return written + (reference.save_books(connection, books, now) if len(books) else 0)
