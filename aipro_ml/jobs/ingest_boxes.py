"""Import of box scores: what teams and players did in stored games, and the season totals that follow from it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.config import Settings
from aipro_ml.db.repositories import box_stats, boxes, quality, reference
from aipro_ml.errors import UsageError
from aipro_ml.jobs.database import opened, unit
from aipro_ml.jobs.ingest import ImportOptions
from aipro_ml.jobs.ingest_box_rows import (
    known_times,
    player_identities,
    player_rows,
    season_ids,
    season_teams,
    team_rows,
)
from aipro_ml.jobs.ingest_box_seasons import of_stored_seasons, reconciled, season_rows
from aipro_ml.jobs.ingest_record import digest_of, finding_checks, left_behind, refuse_if_strict
from aipro_ml.jobs.places import Refuse, files_at, raise_it, read_together
from aipro_ml.sources import hvpkod
from aipro_ml.sources.base import Finding
from aipro_ml.sources.box_registry import BOX_SOURCES, BoxSource
from aipro_ml.sources.box_scores import BoxBatch


@dataclass(frozen=True)
class BoxReport:
    """What one import of box scores wrote, and what it refused."""

    source: str
    sport: str
    rows_read: int
    without_figures: int = 0
    players: int = 0
    players_moved: int = 0
    team_games: int = 0
    team_games_corrected: int = 0
    player_games: int = 0
    player_games_corrected: int = 0
    team_stats: int = 0
    player_stats: int = 0
    quality_rows: int = 0
    rejected: int = 0
    warnings: int = 0
    report: Path | None = None
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def rows_written(self) -> int:
        """Return the rows inserted or updated in all tables."""
        people = self.players + self.players_moved
        games = self.team_games + self.team_games_corrected + self.player_games + self.player_games_corrected
        return people + games + self.team_stats + self.player_stats + self.quality_rows

    def facts(self) -> dict[str, object]:
        """Return the counts by name, for a table."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        shown = {name: value for name, value in told.items() if name not in ("findings", "notes", "report")}
        return {**shown, "rows_written": self.rows_written, "report": str(self.report or "")}


def import_boxes(settings: Settings, name: str, places: list[str], options: ImportOptions) -> BoxReport:
    """Import the files (or folders of files) at `places`, read as the source `name` of box scores.

    Everything lands in one transaction; the same content again writes nothing. Raises AiproError where `strict`
    refuses the batch, UsageError where no game of the sport is stored.
    """
    source, files = box_source(name), files_at(places)
    with opened(settings) as engine:
        schedule = stored_schedule(engine, source.sport)
        options.on_step(1, 5)
        on_refused = raise_it if options.strict else options.on_refused
        read, left = read_together(files, lambda some: source.read(some, schedule), on_refused)
        return store_boxes(engine, settings, _with_result(read, schedule), left, options)


def validate_boxes(
    settings: Settings, name: str, places: list[str], on_refused: Refuse = raise_it
) -> tuple[dict[str, object], tuple[Finding, ...]]:
    """Return the counts and findings of box scores read against the stored games, storing nothing."""
    source, files = box_source(name), files_at(places)
    with opened(settings) as engine:
        schedule = stored_schedule(engine, source.sport)
    read, _ = read_together(files, lambda some: source.read(some, schedule), on_refused)
    batch = _with_result(read, schedule)
    rules = Counter(f"{finding.rule} ({finding.severity})" for finding in batch.findings)
    counts = {
        "source": batch.source,
        "sport": batch.sport,
        "rows read": batch.rows_read,
        "without figures": batch.without_figures,
        "team games": len(batch.team_games),
        "player games": len(batch.player_games),
        "player seasons": len(batch.player_seasons),
        "findings": ", ".join(f"{count} {rule}" for rule, count in sorted(rules.items())) or "none",
    }
    return counts, batch.findings


def box_source(name: str) -> BoxSource:
    """Return the source of box scores `name`; UsageError naming the known ones otherwise."""
    if name not in BOX_SOURCES:
        raise UsageError(f"unknown source {name!r} of box scores; known: {', '.join(BOX_SOURCES)}")
    return BOX_SOURCES[name]


def stored_schedule(engine: Engine, code: str) -> pd.DataFrame:
    """Return the stored games of the sport; UsageError where there is none."""
    with engine.connect() as connection:
        reference.sport_id(connection, code)
        return boxes.stored_games(connection, code)


def _with_result(batch: BoxBatch, schedule: pd.DataFrame) -> BoxBatch:
    """Return the batch without boxes of games whose result is not stored: when they were known is not known."""
    over = set(schedule.loc[schedule["result_known_at"].notna(), "game"])
    found, kept = list(batch.findings), {}
    for kind in ("team_games", "player_games"):
        frame = getattr(batch, kind)
        early = ~frame["game"].isin(over)
        said = "the stored game has no final score yet: import its result first"
        found.extend(
            Finding(str(file), int(line), "game", str(team), "no_result", said)
            for file, line, team in frame.loc[early, ["file", "line_number", "team"]].itertuples(index=False)
        )
        kept[kind] = frame.loc[~early].reset_index(drop=True)
    return replace(batch, **kept, findings=tuple(found))


def store_boxes(
    engine: Engine, settings: Settings, batch: BoxBatch, files: Mapping[str, bytes], options: ImportOptions
) -> BoxReport:
    """Store a batch whose games are stored ones (ids as text); `files` are kept under their hashes."""
    digest = digest_of(list(files.values()))
    with unit(engine, dry_run=options.dry_run) as connection:
        reference.lock_sport(connection, batch.sport)
        schedule = boxes.stored_games(connection, batch.sport)
        batch = of_stored_seasons(connection, _without_wrong_teams(connection, batch))
        refuse_if_strict(batch.findings, strict=options.strict)
        options.on_step(2, 5)
        report = _store(connection, batch, schedule, digest, options)
    return replace(report, **left_behind(settings, report, files.values(), digest, dry_run=options.dry_run))


def _without_wrong_teams(connection: Connection, batch: BoxBatch) -> BoxBatch:
    """Return the batch without player games that the stored figures of their teams contradict or cannot check."""
    games = batch.player_games
    if batch.source != hvpkod.SOURCE or games.empty:
        return batch
    names = sorted({total for total, _ in hvpkod.TOTALS.values()})
    verdict = hvpkod.credited_elsewhere(games, boxes.team_figures(connection, batch.sport, names))
    exceeded = verdict["excess"] != ""
    said = (
        "the players of this team's game have more {} than the team had: who changed teams stands under the later one"
    )
    unknown = "the team's own figures of this game are not stored: import nfl-team-weeks first"
    found = [
        Finding(
            file, int(line), "Team", str(team), "team_unchecked" if unchecked else "team_of_the_scrape",
            unknown if unchecked else said.format(excess),
        )
        for file, line, team, unchecked, excess in pd.concat([games[["file", "line_number", "team"]], verdict], axis=1)
        .loc[exceeded | verdict["unchecked"]]
        .itertuples(index=False)
    ]  # fmt: skip
    kept = games.loc[~exceeded & ~verdict["unchecked"]].reset_index(drop=True)
    return replace(batch, player_games=kept, findings=(*batch.findings, *found))


def _store(
    connection: Connection, batch: BoxBatch, schedule: pd.DataFrame, digest: str, options: ImportOptions
) -> BoxReport:
    now, code = options.now, batch.sport
    seen = quality.first_checked(connection, source=batch.source, content=digest) is not None
    players = boxes.save_players(connection, player_identities(batch), now)
    known = known_times(schedule, now)
    teams = boxes.save_team_games(connection, team_rows(batch, known), now, seen_before=seen)
    options.on_step(3, 5)
    people = boxes.save_player_games(connection, player_rows(batch, known), now, seen_before=seen)
    moved = boxes.move_players(connection, code, season_teams(batch), now)
    team_stats = box_stats.rebuild_team_stats(connection, code, season_ids(batch.team_games, schedule, code), now)
    player_stats = box_stats.rebuild_player_stats(connection, code, season_ids(batch.player_games, schedule, code), now)
    options.on_step(4, 5)
    batch = reconciled(connection, batch)
    told = box_stats.save_player_seasons(connection, season_rows(connection, batch), now)
    checks = finding_checks(batch.findings, batch.rows_read)
    quality_rows = quality.save_checks(connection, source=batch.source, content=digest, checks=checks, now=now)
    options.on_step(5, 5)
    return BoxReport(
        source=batch.source,
        sport=code,
        rows_read=batch.rows_read,
        without_figures=batch.without_figures,
        players=players,
        players_moved=moved,
        team_games=teams.inserted,
        team_games_corrected=teams.corrected,
        player_games=people.inserted,
        player_games_corrected=people.corrected,
        team_stats=team_stats.inserted + team_stats.updated,
        player_stats=told.inserted + told.updated + player_stats.inserted + player_stats.updated,
        quality_rows=quality_rows,
        notes=batch.notes,
        findings=batch.findings,
    )
