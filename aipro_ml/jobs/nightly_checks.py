"""What a night is held against once it is over, and what somebody is told of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine

from aipro_ml.db.repositories import health, models
from aipro_ml.db.repositories.alerts import NewAlert
from aipro_ml.db.repositories.health import ComponentHealth, NightCheck, RunCount
from aipro_ml.enums import RunMode, Severity
from aipro_ml.jobs.health import DOWN, HEALTHY
from aipro_ml.jobs.nightly_window import upcoming


def check_night(engine: Engine, as_of: datetime, window: timedelta, sports: Sequence[str], now: datetime) -> int:
    """Hold each sport's night against its rules and keep what was found; return the new rows."""
    written = 0
    for code in sports:
        with engine.begin() as connection:
            runs = health.runs_at(connection, code, as_of)
            ahead = len(upcoming(connection, code, as_of, window))
            speaks = bool(models.production_models(connection, code))
            written += health.save_night_checks(connection, as_of, code, list(_rules(runs, ahead, speaks)), now)
    return written


def _rules(runs: Sequence[RunCount], ahead: int, speaks: bool) -> Iterable[NightCheck]:
    decided = sum(run.games for run in runs)
    wrong = [run for run in runs if run.published + run.abstained != run.games * run.models]
    counts = {name: sum(getattr(run, name) for run in runs) for name in ("games", "published", "abstained")}
    yield NightCheck("published_and_abstained_are_all", len(wrong), counts)
    yield NightCheck("published_stands_in_ledger", sum(run.rows < run.published for run in runs))
    yield NightCheck("every_game_was_decided", max(ahead - decided, 0) if speaks else 0, {"games_ahead": ahead})
    silent = sum(run.games > 0 and run.published == 0 for run in runs)
    yield NightCheck("something_was_published", silent, {"runs": len(runs)})


def night_alerts(engine: Engine, as_of: datetime) -> list[NewAlert]:
    """Return an alert for every check of the night that did not pass."""
    with engine.connect() as connection:
        failed = health.failed_checks(connection, as_of)
    return [
        NewAlert(
            "night_check",
            f"{source}: {rule}",
            Severity.WARNING,
            f"{source} of {as_of:%Y-%m-%d %H:%M} UTC: {rule.replace('_', ' ')}: not so, {count} times",
            dict(details),
        )
        for source, rule, count, details in failed
    ]


def health_alerts(found: Sequence[ComponentHealth]) -> list[NewAlert]:
    """Return an alert for every component that is not healthy."""
    return [
        NewAlert(
            "health",
            one.component,
            Severity.CRITICAL if one.status == DOWN else Severity.WARNING,
            f"{one.component} is {one.status}: {one.says}",
        )
        for one in found
        if one.status != HEALTHY
    ]


def deadline_alerts(
    engine: Engine, sports: Sequence[str], as_of: datetime, window: timedelta, deadline: datetime
) -> list[NewAlert]:
    """Return an alert for each sport with games and models whose night was not published by its deadline."""
    missed = []
    for code in sports:
        with engine.connect() as connection:
            if not models.production_models(connection, code):
                continue
            ahead = upcoming(connection, code, as_of, window)
            runs = health.runs_at(connection, code, as_of)
        live = [run.completed_at for run in runs if run.mode == RunMode.LIVE and run.completed_at is not None]
        if len(ahead) and (not live or min(live) > deadline):
            late = f"came at {min(live):%H:%M}" if live else "are not there"
            missed.append(
                NewAlert(
                    "deadline",
                    f"{code} {as_of:%Y-%m-%dT%H:%M}",
                    Severity.CRITICAL,
                    f"{code}: the predictions of {as_of:%Y-%m-%d %H:%M} UTC for {len(ahead)} games {late}; "
                    f"the deadline was {deadline:%H:%M}",
                )
            )
    return missed
