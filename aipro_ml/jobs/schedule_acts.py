"""What each kind of scheduled task does."""

from datetime import datetime, timedelta

from sqlalchemy import Engine

from aipro_ml.config import FeedConfig, NightlyConfig, Settings, training_config
from aipro_ml.db.repositories import health, nights, tasks
from aipro_ml.db.repositories.alerts import NewAlert
from aipro_ml.errors import AiproError
from aipro_ml.features.sport import sport
from aipro_ml.jobs.alerts import raise_alerts
from aipro_ml.jobs.challengers import Retraining, retrain
from aipro_ml.jobs.database import opened
from aipro_ml.jobs.health import keep, look
from aipro_ml.jobs.market import derive_sport
from aipro_ml.jobs.night import Night
from aipro_ml.jobs.nightly import NightRequest, replace_sports, run_night
from aipro_ml.jobs.nightly_checks import deadline_alerts, health_alerts
from aipro_ml.jobs.nightly_steps import fetch_feed, sports_of
from aipro_ml.jobs.odds_feed import FeedRequest
from aipro_ml.jobs.retention import new_backup, tidy
from aipro_ml.jobs.schedule import Act, Due, zone_of
from aipro_ml.jobs.schedule_times import latest_slot
from aipro_ml.jobs.system_settings import limits_of_health


def nightly(settings: Settings, plan: NightlyConfig, due: Due) -> str:
    """Run the night of the slot; AiproError where a step of it failed."""
    as_of = due.slot + timedelta(minutes=plan.lead_minutes)
    report = run_night(settings, NightRequest(as_of, due.clock, due.sports, due.wait))
    if report.busy:
        return "another process is at it"
    if report.failures:
        first = report.failures[0]
        raise AiproError(f"{len(report.failures)} steps failed, the first: {first.step} {first.sport}: {first.says}")
    return f"{len(report.steps)} steps, {report.written} rows written"


def odds(settings: Settings, plan: NightlyConfig, due: Due) -> str:
    """Fetch the configured odds of today and derive what follows from them."""
    return _fetched(settings, plan, due, list(_feeds(plan, due)))


def close(settings: Settings, plan: NightlyConfig, due: Due) -> str:
    """Fetch the odds of the sports of which a game is about to kick off and was not quoted since."""
    now, ahead = due.clock(), timedelta(minutes=plan.close_minutes)
    with opened(settings) as engine, engine.connect() as connection:
        waiting = [
            feed
            for feed in _feeds(plan, due)
            if health.unquoted_games(connection, sport(feed.sport).code, (now, now + ahead), now - ahead)
        ]
    return _fetched(settings, plan, due, waiting)


def watch(settings: Settings, plan: NightlyConfig, due: Due) -> str:
    """Look whether the last night was published by its deadline and how every component is; raise alerts."""
    now, plan = due.clock(), replace_sports(plan, due.sports)
    with opened(settings) as engine:
        sports = sports_of(Night(engine, settings, plan, now, due.clock))
        found = look(engine, settings, plan, sports, now)
        keep(engine, found, due.slot)
        alerts = health_alerts(found)
        alerts += _late_nights(engine, settings, plan, sports, now)
        new = raise_alerts(engine, settings, alerts, now)
    return f"{len(found)} components, {len(alerts)} alerts stand, {new} new"


def recalibrate(settings: Settings, plan: NightlyConfig, due: Due) -> str:
    """Fit the champions' own candidates again on everything known by now, with calibrators of their own."""
    return _retrained(settings, plan, due, only_champion=True)


def retrain_all(settings: Settings, plan: NightlyConfig, due: Due) -> str:
    """Train all candidates of the training configuration again."""
    return _retrained(settings, plan, due, only_champion=False)


def retention(settings: Settings, plan: NightlyConfig, due: Due) -> str:
    """Remove what nothing needs any more."""
    with opened(settings) as engine:
        return tidy(engine, settings, plan.retention, due.clock()).says


def back_up(settings: Settings, _: NightlyConfig, due: Due) -> str:
    """Write a backup of the database into the home."""
    place = new_backup(settings, due.slot)
    return f"{place.name}, {place.stat().st_size / 1024**2:.1f} MiB"


ACTS: dict[str, Act] = {
    "close": close,
    "odds": odds,
    "nightly": nightly,
    "watch": watch,
    "backup": back_up,
    "retention": retention,
    "recalibrate": recalibrate,
    "retrain": retrain_all,
}


def _late_nights(
    engine: Engine, settings: Settings, plan: NightlyConfig, sports: list[str], now: datetime
) -> list[NewAlert]:
    """Return an alert for each sport whose latest night that should stand by now does not, once any night ever ran."""
    lead, window = timedelta(minutes=plan.lead_minutes), timedelta(hours=plan.horizon_hours)
    with engine.connect() as connection:
        patience = lead + timedelta(minutes=limits_of_health(connection, settings, plan).deadline_minutes)
        began = nights.first_night(connection)
        stored = tasks.list_tasks(connection)
    times = {task.name: task.cron for task in stored if task.is_enabled} if stored else plan.tasks
    alerts: list[NewAlert] = []
    for name, cron in times.items():
        kind, _, code = name.partition(":")
        slot = latest_slot(cron, zone_of(plan, name), now - patience)
        if kind == "nightly" and began is not None and began <= slot + lead:
            own = [code] if code else sports
            alerts += deadline_alerts(engine, own, slot + lead, window, slot + patience)
    return alerts


def _feeds(plan: NightlyConfig, due: Due) -> tuple[FeedConfig, ...]:
    return replace_sports(plan, due.sports).feeds


def _fetched(settings: Settings, plan: NightlyConfig, due: Due, feeds: list[FeedConfig]) -> str:
    if not feeds:
        return "nothing to fetch"
    said = []
    with opened(settings) as engine:
        night = Night(engine, settings, plan, due.slot, due.clock)
        for feed in feeds:
            request = FeedRequest(sport(feed.sport).code, feed.markets, feed.regions)
            outcome = fetch_feed(night, request)
            market = derive_sport(engine, request.sport, due.clock())
            said.append(f"{request.sport}: {outcome.says}, {outcome.written + market.written} rows")
    return "; ".join(said)


def _retrained(settings: Settings, plan: NightlyConfig, due: Due, *, only_champion: bool) -> str:
    config = None if plan.training is None else training_config(plan.training)
    said = []
    with opened(settings) as engine:
        plan = replace_sports(plan, due.sports)
        for code in sports_of(Night(engine, settings, plan, due.slot, due.clock)):
            request = Retraining(code, due.clock, config, plan.retrain_seasons, only_champion)
            said += retrain(engine, settings, request)
    return "; ".join(said) or "no sport is in production"
