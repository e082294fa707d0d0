"""Prediction: games of a slot, features and quotes known at its decision time, slate, ledger, explanations."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.config import Settings, policy_config
from aipro_ml.db.repositories import acts, games, models, reference
from aipro_ml.enums import RunMode
from aipro_ml.errors import LeakError, StaleDataError, UsageError
from aipro_ml.features.records import Records
from aipro_ml.features.sport import Sport, sport
from aipro_ml.inference.policy import build_policy
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.deciding import Speaker, sit, speaker_of
from aipro_ml.jobs.facts import load_records
from aipro_ml.jobs.publish import RunReport, Slot, publish
from aipro_ml.jobs.system_settings import policy_settings
from aipro_ml.times import iso_utc

LIVE_WITHIN = pd.Timedelta(minutes=60)
"""A run this late behind its slot still counts as live; later its prices may be gone, and hindsight picks the slot."""


@dataclass(frozen=True)
class PredictionRequest:
    """Which games to predict: those of a local `day`, of a season (and week), or that kick off soon.

    With `as_of` all are decided at that moment, in one run; without it each kick-off is a run of its own,
    decided the model's usual minutes before it. `within` chooses the games that kick off in (as_of, as_of + within].
    `model` replaces the production model of its bet type.
    """

    sport: str
    now: datetime
    day: date | None = None
    season: int | None = None
    week: int | None = None
    as_of: datetime | None = None
    model: str | None = None
    dry_run: bool = False
    within: timedelta | None = None


def predict(
    engine: Engine,
    settings: Settings,
    request: PredictionRequest,
    on_slot: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[RunReport]:
    """Predict the requested games, one transaction a slot; a slot repeated adds nothing.

    Raises LeakError where a model was trained on games decided after as_of, StaleDataError for an as_of in the
    future, UsageError where no game or no production model is there.
    """
    league = sport(request.sport)
    with engine.begin() as connection:  # short: nobody can promote until it ends
        reference.sport_id(connection, league.code)
        decided = acts.await_decisions(connection, league.code)
        chosen = _chosen_models(connection, league, request.model)
    with engine.begin() as connection:
        wanted = _wanted_games(games.schedule(connection, league.code, _span(request)), league, request)
        changed = policy_settings(connection, settings.overrides, league.code)
        policy = build_policy(policy_config(), league.code, changed, figures=league.settings)
        slots = _slots(wanted, request, _decision_minutes(chosen, league))
        for stored in chosen:
            _refuse_later_knowledge(stored, min(slot.as_of for slot in slots))
        speakers, records = _read(connection, settings, chosen, list(wanted.index))
    sitting = sit(league, policy, speakers, records, slots)
    panel = replace(sitting.panel, since=decided)
    reports = []
    for number, slot in enumerate(slots, start=1):
        slate = sitting.slate(slot)
        with unit(engine, dry_run=request.dry_run) as connection:
            reports.append(publish(connection, panel, slot, slate, request.now))
        on_slot(number, len(slots))
    return reports


def _read(
    connection: Connection, settings: Settings, chosen: Sequence[models.StoredModel], game_ids: Sequence[str]
) -> tuple[list[Speaker], Records]:
    """Return the models from their files and the facts of their sport; files are read while the database answers."""
    code = chosen[0].sport
    with ThreadPoolExecutor(1) as beside:
        reading = beside.submit(lambda: load_records(connection, code, odds_of=game_ids, reference_closes=True))
        speakers = [speaker_of(settings, stored) for stored in chosen]
        return speakers, reading.result()


def _chosen_models(connection: Connection, league: Sport, reference_: str | None) -> list[models.StoredModel]:
    chosen = models.production_models(connection, league.code)
    if reference_ is not None:
        model = models.find_model(connection, reference_)
        if model.sport != league.code:
            raise UsageError(f"model {reference_} is one of {model.sport}, not of {league.code}")
        chosen = {model.bet_type: model}
    if not chosen:
        raise UsageError(
            f"{league.code} has no production model: train and calibrate one, then `aipro model promote ID --reason …`"
        )
    return [chosen[bet_type] for bet_type in league.bet_types if bet_type in chosen]


def _span(request: PredictionRequest) -> tuple[datetime, datetime] | None:
    """Return from when to when the wanted games kick off, whatever the zone; None where that is not known yet."""
    if request.day is not None:
        noon = datetime.combine(request.day, time(12), UTC)
        return noon - timedelta(days=2), noon + timedelta(days=2)
    if request.within is not None and request.as_of is not None:
        return request.as_of, request.as_of + request.within
    return None


def _wanted_games(schedule: pd.DataFrame, league: Sport, request: PredictionRequest) -> pd.DataFrame:
    wanted = schedule[schedule["status"].isin(["scheduled", "in_progress", "final"])]
    if request.day is not None:
        local = wanted["kickoff"].dt.tz_convert(ZoneInfo(league.config.timezone)).dt.date
        wanted = wanted[local == request.day]
    if request.season is not None:
        wanted = wanted[wanted["season"] == request.season]
    if request.week is not None:
        wanted = wanted[wanted["week"] == request.week]
    if request.within is not None and request.as_of is not None:
        first, last = pd.Timestamp(request.as_of), pd.Timestamp(request.as_of + request.within)
        wanted = wanted[(wanted["kickoff"] > first) & (wanted["kickoff"] <= last)]
    elif request.day is None and request.season is None:
        raise UsageError("say which games: --date, or --season (and --week)")
    if wanted.empty:
        raise UsageError(f"no game of {league.code} fits: see `aipro data games --sport {league.code}`")
    return wanted.set_index("game_id")[["kickoff", "season"]]


def _decision_minutes(chosen: Sequence[models.StoredModel], league: Sport) -> int:
    noted = {int(model.metrics["identity"]["decision_minutes"]) for model in chosen}
    return max(noted, default=league.config.decision_minutes)


def _slots(wanted: pd.DataFrame, request: PredictionRequest, minutes: int) -> list[Slot]:
    """Return the runs in time order; live is only what is decided now and before its kick-off."""
    if request.as_of is not None:
        moments = pd.Series(pd.Timestamp(request.as_of), index=wanted.index).astype(wanted["kickoff"].dtype)
    else:
        moments = wanted["kickoff"] - pd.Timedelta(minutes=minutes)
    if moments.max() > pd.Timestamp(request.now):
        raise StaleDataError(
            f"as_of {iso_utc(moments.max().to_pydatetime())} lies in the future: its quotes are not known yet; "
            "give --as-of a moment that has come"
        )
    now = pd.Timestamp(request.now)
    live = (now - moments <= LIVE_WITHIN) & (now < wanted["kickoff"])
    asked = wanted.assign(as_of=moments)
    return [
        Slot(moment.to_pydatetime(), RunMode.LIVE if is_live else RunMode.BACKFILLED, part)
        for (moment, is_live), part in asked.groupby(["as_of", live], sort=True)
    ]


def _refuse_later_knowledge(model: models.StoredModel, as_of: datetime) -> None:
    through = pd.Timestamp(model.metrics["trained_through"])
    if through > pd.Timestamp(as_of):
        raise LeakError(
            f"model {str(model.id)[:8]} ({model.name}) learned from games up to {through:%Y-%m-%d %H:%M}Z, after "
            f"as_of {iso_utc(as_of)}: train one with --test-to an earlier season"
        )
