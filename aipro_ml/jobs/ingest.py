"""Import: canonical frames of a source into sports, teams, venues, games, revisions, odds and closing lines."""

import csv
import hashlib
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.config import Settings
from aipro_ml.db.repositories import odds, quality, reference
from aipro_ml.enums import GameStatus, Severity
from aipro_ml.errors import AiproError
from aipro_ml.features.sport import Sport, sport
from aipro_ml.identity import derive_id, derive_ids
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.ingest_games import store_games
from aipro_ml.jobs.market import derive_markets
from aipro_ml.sources.base import Finding, SourceBatch
from aipro_ml.times import iso_utc

_QUOTE_KEY = ("game_id", "sportsbook_id", "market_type", "selection")

log = logging.getLogger(__name__)


def _silent(done: int, total: int) -> None:
    """Show no progress."""


@dataclass(frozen=True)
class ImportOptions:
    """How to import: `strict` refuses the whole batch if any row of it is bad, `dry_run` writes nothing."""

    now: datetime
    strict: bool = False
    dry_run: bool = False
    on_step: Callable[[int, int], None] = _silent


@dataclass(frozen=True)
class ImportReport:
    """What one import wrote, and what it refused."""

    source: str
    sport: str
    games_read: int
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

    @property
    def rows_written(self) -> int:
        """Return the rows inserted or updated in all tables."""
        games = self.games_inserted + self.games_updated + self.revisions
        odds_rows = self.quotes + self.quotes_corrected + self.closing_lines + self.derived_rows
        return games + odds_rows + self.reference_rows + self.quality_rows

    def facts(self) -> dict[str, object]:
        """Return the counts by name, for a table."""
        shown = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "findings"}
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
    batch = _without_early_scores(batch, options.now)
    refused = [finding for finding in batch.findings if finding.severity is Severity.CRITICAL]
    if options.strict and refused:
        first = refused[0]
        raise AiproError(
            f"{len(refused)} bad rows and --strict: nothing was imported; the first: {first.file}, line {first.line}, "
            f"column {first.column}: {first.value!r} {first.message}"
        )
    digest = hashlib.sha256(content).hexdigest()
    with unit(engine, dry_run=options.dry_run) as connection:
        report = _store(connection, batch, digest, options)
    report = replace(
        report, rejected=len(refused), warnings=len(batch.findings) - len(refused), findings=batch.findings
    )
    if options.dry_run:
        return report
    _keep_raw(settings.raw_dir, digest, content)
    if batch.findings:
        report = replace(report, report=_write_findings(settings.reports_dir, batch, digest))
    log.info("imported", extra={"source": batch.source, "rows_written": report.rows_written})
    return report


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


def _store(connection: Connection, batch: SourceBatch, digest: str, options: ImportOptions) -> ImportReport:
    league, now, on_step = sport(batch.sport), options.now, options.on_step
    reference.lock_sport(connection, league.code)
    written = _store_reference(connection, batch, league, now)
    on_step(1, 4)
    counted = store_games(connection, batch, league, now)
    on_step(2, 4)
    first_read = quality.first_checked(connection, source=batch.source, content=digest)
    if first_read is not None:
        # the same bytes again are no new observation: nothing in them was seen after they were first read
        batch = replace(batch, quotes=batch.quotes[batch.quotes["recorded_at"] < pd.Timestamp(first_read)])
    quotes = odds.save_quotes(connection, _quote_rows(batch), now) if len(batch.quotes) else odds.QuoteCount(0, 0)
    on_step(3, 4)
    closing = _closing_rows(batch)
    stated = odds.save_closing(connection, closing)
    # nothing new changes no market: what kicked off meanwhile is for `aipro odds close`
    news = counted.revisions or quotes.inserted or quotes.corrected or stated
    market = derive_markets(connection, league.code, _market_games(batch) if news else [], now)
    checks = _checks(batch)
    quality_rows = quality.save_checks(connection, source=batch.source, content=digest, checks=checks, now=now)
    on_step(4, 4)
    return ImportReport(
        source=batch.source,
        sport=batch.sport,
        games_read=len(batch.games),
        games_inserted=counted.inserted,
        games_updated=counted.updated,
        revisions=counted.revisions,
        quotes=quotes.inserted,
        quotes_corrected=quotes.corrected,
        closing_lines=stated + market.closing_lines,
        closing_refused=odds.differing_closes(connection, closing) if len(closing) else 0,
        derived_rows=market.written - market.closing_lines,
        reference_rows=written,
        quality_rows=quality_rows,
    )


def _store_reference(connection: Connection, batch: SourceBatch, league: Sport, now: datetime) -> int:
    written = reference.save_sport(connection, league.code, league.name, now)
    for count in (
        reference.save_teams(connection, league.code, batch.teams, now),
        reference.save_venues(connection, batch.venues, now),
        reference.save_seasons(connection, league.code, batch.seasons, now),
    ):
        written += count.inserted + count.updated
    books = pd.DataFrame({"name": [b.name for b in batch.books], "is_sharp": [b.is_sharp for b in batch.books]})
    return written + (reference.save_books(connection, books, now) if len(books) else 0)


def _market_games(batch: SourceBatch) -> list[str]:
    """Return the ids of the games whose kick-off, quotes or stated lines the batch may have changed."""
    keys = pd.concat([frame["game"] for frame in (batch.games, batch.quotes, batch.closing)]).unique()
    return [str(derive_id("game", batch.sport, game)) for game in keys]


def _book_keys(batch: SourceBatch, frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "game_id": _derived(frame["game"], lambda game: derive_id("game", batch.sport, game)),
            "sportsbook_id": _derived(frame["book"], lambda book: derive_id("sportsbook", book)),
            "market_type": frame["market"],
            "selection": frame["selection"],
        }
    )


def _derived(names: pd.Series, derive: Callable[[str], UUID]) -> pd.Series:
    """Return the identifiers of `names` as a categorical: each is derived, and later encoded, once."""
    codes, words = pd.factorize(names)
    return pd.Series(pd.Categorical.from_codes(codes, categories=[derive(word) for word in words]), index=names.index)


def _quote_rows(batch: SourceBatch) -> pd.DataFrame:
    rows = _book_keys(batch, batch.quotes).assign(
        price=batch.quotes["price"], line=batch.quotes["line"], recorded_at=batch.quotes["recorded_at"]
    )
    return rows.assign(id=odds.quote_ids(rows))


def _closing_rows(batch: SourceBatch) -> pd.DataFrame:
    rows = _book_keys(batch, batch.closing)
    return rows.assign(
        id=derive_ids("closing_line", *(rows[name] for name in _QUOTE_KEY)),
        **{name: batch.closing[name] for name in ("closing_line", "closing_price", "closed_at")},
    )


def _checks(batch: SourceBatch) -> list[dict[str, Any]]:
    """Return one check a broken rule; a clean batch is one passed check."""
    counts = Counter(finding.rule for finding in batch.findings)
    if not counts:
        return [{"rule": "import", "failed": 0, "details": {"rows_read": batch.rows_read}}]
    return [
        {
            "rule": rule,
            "failed": count,
            "details": {
                "rows_read": batch.rows_read,
                "findings": [_shown(f) for f in batch.findings if f.rule == rule][:100],
            },
        }
        for rule, count in sorted(counts.items())
    ]


def _shown(finding: Finding) -> dict[str, object]:
    return {field.name: getattr(finding, field.name) for field in fields(finding)}


def _keep_raw(folder: Path, digest: str, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / digest
    if not place.exists():
        part = place.with_suffix(".part")
        part.write_bytes(content)
        part.replace(place)


def _write_findings(folder: Path, batch: SourceBatch, digest: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"import-{batch.source}-{digest[:12]}.csv"
    with place.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=[field.name for field in fields(Finding)])
        writer.writeheader()
        writer.writerows(_shown(finding) for finding in batch.findings)
    return place
