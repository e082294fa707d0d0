"""The steps of a night: each calls one job and says what came of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from aipro_ml.config import NightlySource
from aipro_ml.db.repositories import models, nights
from aipro_ml.db.repositories.health import ComponentHealth, latest_health
from aipro_ml.errors import AiproError
from aipro_ml.features.sport import sport
from aipro_ml.jobs.actors import Actor
from aipro_ml.jobs.alerts import raise_alerts
from aipro_ml.jobs.challengers import challenger_of
from aipro_ml.jobs.grade import grade_sport
from aipro_ml.jobs.health import HEALTHY, keep, look
from aipro_ml.jobs.importing import Request, import_source
from aipro_ml.jobs.ingest import ImportOptions
from aipro_ml.jobs.ingest_boxes import import_boxes
from aipro_ml.jobs.ingest_props import import_props
from aipro_ml.jobs.ledger import keep_head, tag_head
from aipro_ml.jobs.market import derive_sport
from aipro_ml.jobs.matrices import BuildOptions, build_features
from aipro_ml.jobs.night import Night, Outcome
from aipro_ml.jobs.nightly_checks import check_night, health_alerts, night_alerts
from aipro_ml.jobs.nightly_props import grade_players, has_props, publish_props
from aipro_ml.jobs.nightly_window import upcoming
from aipro_ml.jobs.odds_feed import FeedRequest, fetch_odds, plan_of
from aipro_ml.jobs.performance import update_performance
from aipro_ml.jobs.predict import PredictionRequest, predict
from aipro_ml.jobs.publish import RunReport
from aipro_ml.jobs.settling import settle
from aipro_ml.jobs.warehouse import refresh
from aipro_ml.sources.box_registry import BOX_SOURCES
from aipro_ml.sources.player_props import PROP_SOURCES


def sports_of(night: Night) -> list[str]:
    """Return the sports of the night: the configured ones, else those in production."""
    if night.plan.sports:
        return [sport(code).code for code in night.plan.sports]
    with night.engine.connect() as connection:
        return nights.sports_in_production(connection)


def import_files(night: Night, source: NightlySource) -> Outcome:
    """Import the files of one configured source; AiproError names a file that was refused, after all others."""
    refused: list[AiproError] = []
    options = ImportOptions(night.clock(), on_refused=refused.append)
    if source.source in BOX_SOURCES or source.source in PROP_SOURCES:
        run = import_boxes if source.source in BOX_SOURCES else import_props
        report = run(night.settings, source.source, list(source.places), options)
        files, written, rejected = len(source.places), report.rows_written, report.rejected
    else:
        request = Request(source.source, source.places, source.sport, source.season, source.mapping)
        reports = import_source(night.settings, request, options)
        suspect = [report.file for report in reports if report.suspect]
        refused += [AiproError(f"{name}: suspect, nothing of it was stored") for name in suspect]
        files, written = len(reports), sum(report.rows_written for report in reports)
        rejected = sum(report.rejected for report in reports)
    if refused:
        raise AiproError("; ".join(map(str, refused[:3])))
    return Outcome(f"{files} files, {rejected} rows refused", {"files": files, "rejected": rejected}, written)


def fetch_feed(night: Night, request: FeedRequest) -> Outcome:
    """Fetch and import the odds of one sport from The Odds API."""
    plan = plan_of(night.settings, request)
    reports, left = fetch_odds(night.settings, request, plan, ImportOptions(night.clock()))
    written = sum(report.rows_written for report in reports)
    return Outcome(f"{request.cost} of the quota, {'unknown' if left is None else left} left", {}, written)


def derive_market(night: Night, code: str) -> Outcome:
    """Bring closes, movements and consensus lines of the sport to what its odds say."""
    count = derive_sport(night.engine, code, night.clock())
    return Outcome(f"{count.games} games were out of date", {}, count.written)


def materialise(night: Night, code: str) -> Outcome:
    """Materialise the features of every game whose decision time has come."""
    options = BuildOptions(night.clock(), verify=night.plan.verify_features)
    reports = build_features(night.engine, code, sport(code).bet_types, options)
    facts = {str(report.bet_type): {"rows": report.rows, "data_hash": report.data_hash} for report in reports}
    written = sum(report.written for report in reports)
    return Outcome(f"{reports[0].rows} decided games × {len(reports)} sets", facts, written)


def publish_predictions(night: Night, code: str) -> Outcome:
    """Predict the games that kick off within the night's window, explain them and append them to the ledger."""
    with night.engine.connect() as connection:
        ahead = upcoming(connection, code, night.as_of, night.window)
        production = models.production_models(connection, code)
    if ahead.empty:
        return Outcome("no game kicks off", {"games": 0, "published": 0, "abstained": {}})
    if not production:
        return Outcome(f"{len(ahead)} games, and no production model", final=False)
    request = PredictionRequest(code, night.clock(), as_of=night.as_of, within=night.window)
    reports = predict(night.engine, night.settings, request)
    _keep_head(night, reports)
    abstained: dict[str, int] = {}
    for report in reports:
        for reason, count in report.abstained.items():
            abstained[reason] = abstained.get(reason, 0) + count
    facts = {
        "runs": sorted(str(report.run_id) for report in reports),
        "games": sum(report.games for report in reports),
        "published": sum(report.published for report in reports),
        "abstained": abstained,
    }
    modes = "/".join(sorted({report.mode.value for report in reports}))
    missed = ", ".join(f"{count} {reason}" for reason, count in sorted(abstained.items())) or "none"
    says = f"{facts['games']} games {modes}: {facts['published']} published; abstained: {missed}"
    return Outcome(says, facts, sum(report.written for report in reports))


def _keep_head(night: Night, reports: Sequence[RunReport]) -> None:
    """Keep the ledger's head outside the database, also where an interrupted night published and came no further."""
    published = [replace(one, written=one.published) for one in reports]
    kept = keep_head(night.engine, night.settings, published, night.clock())
    if kept is not None:
        tag_head(night.engine, night.settings, kept)  # MLflow out of reach is logged, and stops nothing


def publish_shadows(night: Night, code: str) -> Outcome:
    """Let the best newer model of each bet type predict beside the champion: what the gate's shadow period counts."""
    if not night.is_live:
        return Outcome("a night of the past has no shadow", final=False)
    with night.engine.connect() as connection:
        ahead = upcoming(connection, code, night.as_of, night.window)
        champions = models.production_models(connection, code)
        found = [challenger_of(models.list_models(connection, code, one), champions[one]) for one in champions]
    shadows = [model for model in found if model is not None] if len(ahead) else []
    published = written = 0
    for model in shadows:
        request = PredictionRequest(code, night.clock(), as_of=night.as_of, within=night.window, model=str(model.id))
        reports = predict(night.engine, night.settings, request)
        _keep_head(night, reports)
        published += sum(report.published for report in reports)
        written += sum(report.written for report in reports)
    facts = {"models": sorted(str(model.id) for model in shadows), "published": published}
    return Outcome(f"{len(shadows)} challengers, {published} predictions", facts, written)


def grade_predictions(night: Night, code: str) -> Outcome:
    """Grade every prediction of the sport by what is known of its game now."""
    report = grade_sport(night.engine, code, night.clock())
    facts = dict(vars(report.accounting))
    says = ", ".join(f"{count} {name}" for name, count in facts.items())
    return Outcome(says, facts, report.inserted + report.regraded)


def measure_performance(night: Night, code: str) -> Outcome:
    """Bring `model_performance` of the sport up to date."""
    report = update_performance(night.engine, code, night.clock())
    counted = len(report.graded)
    says = f"{counted} graded prediction{'' if counted == 1 else 's'} counted"
    return Outcome(says, {"counted": counted}, report.inserted + report.updated)


def settle_bets(night: Night) -> Outcome:
    """Pay every bet by the grade of its prediction, and correct what a new grade changed."""
    report = settle(night.engine, Actor(login="nightly"), night.clock())
    changed = len(report.settlements)
    return Outcome(f"{changed} bets settled or corrected, {report.pending} pending", {}, changed, final=False)


def refresh_warehouse(night: Night) -> Outcome:
    """Bring the warehouse to what the other tables say."""
    count = refresh(night.engine, night.clock())
    return Outcome(count.says, {}, count.written, final=False)


def look_after(night: Night) -> Outcome:
    """Hold the night against its rules, look at every component, keep both."""
    sports, now = sports_of(night), night.clock()
    written = check_night(night.engine, night.as_of, night.window, sports, now)
    found = look(night.engine, night.settings, night.plan, sports, now)
    written += keep(night.engine, found, night.as_of)
    ill = [f"{one.component} {one.status}" for one in found if one.status != HEALTHY]
    return Outcome(", ".join(ill) or f"{len(found)} components healthy", {}, written, final=False)


def tell(night: Night) -> Outcome:
    """Raise what the night's checks and its components call for; send what was not sent."""
    with night.engine.connect() as connection:
        ill = latest_health(connection)
    found = [ComponentHealth(row["component"], row["status"], str(row["metrics"].get("says", ""))) for row in ill]
    alerts = [*health_alerts(found), *night_alerts(night.engine, night.as_of)]
    new = raise_alerts(night.engine, night.settings, alerts, night.clock())
    return Outcome(f"{new} new, {len(alerts)} stand", {}, new, final=False)


SPORT_STEPS: tuple[tuple[str, Callable[[Night, str], Outcome]], ...] = (
    ("market", derive_market),
    ("features", materialise),
    ("predict", publish_predictions),
    ("shadow", publish_shadows),
    ("props", publish_props),
    ("grade", grade_predictions),
    ("props_grade", grade_players),
    ("performance", measure_performance),
)
"""Done for each sport once everything was imported, in this order."""

NEEDS = {"predict": "features", "shadow": "predict"}
"""A step that is not begun where another failed: features that changed behind our back must not be published."""

ONLY_WHERE: Mapping[str, Callable[[Night, str], bool]] = {"props": has_props, "props_grade": has_props}
"""A step that not every sport has: elsewhere the night does not speak of it."""

NIGHT_STEPS: tuple[tuple[str, Callable[[Night], Outcome]], ...] = (
    ("settle", settle_bets),
    ("warehouse", refresh_warehouse),
    ("health", look_after),
    ("alerts", tell),
)
"""Done at the end, for all sports together and every time: without news they write nothing."""
