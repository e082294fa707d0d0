"""Replay: stored runs computed again from what was known then and the artifacts they name, held against the ledger."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.config import Settings, policy_config
from aipro_ml.db.repositories import models, predictions
from aipro_ml.db.repositories.system_settings import settings_under
from aipro_ml.enums import RunMode
from aipro_ml.errors import GuardError, UsageError
from aipro_ml.features.history import History
from aipro_ml.features.records import Records
from aipro_ml.features.sport import Sport, sport
from aipro_ml.identity import content_hash
from aipro_ml.inference.policy import Freshness, Policy, build_policy, policy_of
from aipro_ml.inference.predictor import Slate
from aipro_ml.inference.replayed import Difference, Verdict, compare
from aipro_ml.jobs.deciding import Speaker, sit
from aipro_ml.jobs.facts import load_records
from aipro_ml.jobs.pinned import pinned_speaker
from aipro_ml.jobs.publish import COMPUTED_AGAIN, Slot
from aipro_ml.times import iso_utc

_DAY = timedelta(days=1)

Tick = Callable[[int, int], None]


@dataclass(frozen=True)
class ReplayRequest:
    """Which runs to replay: one by how its id begins, or those decided on a local `day`, or of a season's games."""

    run: str | None = None
    day: date | None = None
    season: int | None = None
    sport: str | None = None


@dataclass(frozen=True)
class RunReplay:
    """One computation of a run, replayed: its rows, how many came again equal, and every difference."""

    run_id: UUID
    as_of: datetime
    mode: RunMode
    rows: int
    equal: int
    abstained: int
    differences: tuple[Difference, ...]
    other_features: bool

    def count(self, verdict: Verdict) -> int:
        """Return how many differences are of this kind."""
        return sum(difference.verdict is verdict for difference in self.differences)

    @property
    def row(self) -> dict[str, Any]:
        """Return the replay as one row of a table."""
        run = {"run": str(self.run_id)[:8], "as_of": self.as_of, "mode": self.mode.value}
        counts = {"rows": self.rows, "equal": self.equal, "abstained": self.abstained}
        return {**run, **counts, **{verdict.value: self.count(verdict) for verdict in Verdict}}


@dataclass(frozen=True)
class _Computation:
    """What was computed at one moment for one run, and what the ledger has of it."""

    run: Mapping[str, Any]
    at: datetime
    versions: Mapping[str, Any]
    abstentions: Sequence[Mapping[str, Any]]
    rows: Sequence[Mapping[str, Any]]

    @property
    def pins(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the models that spoke, by bet type, each under the hashes it had."""
        production, shadow = self.versions["models"], self.versions.get("shadow", {})
        said = {str(row["model_id"]) for row in self.rows}
        wanted = shadow if not production or said & _ids(shadow) else production
        return dict(wanted)

    @property
    def basis(self) -> str:
        """Return what computations that can be replayed together have in common."""
        policy = self.versions["policy"]
        return content_hash({"sport": self.run["sport"], "at": str(self.at), "policy": policy, "pins": self.pins})


def replay(
    engine: Engine, settings: Settings, request: ReplayRequest, on_step: Tick = lambda _done, _total: None
) -> list[RunReplay]:
    """Compute the requested runs again and compare them with the ledger row by row; nothing is written.

    Known then is what was imported by the moment of the computation and known at the run's as_of. UsageError where
    no run fits, GuardError where an artifact is gone or altered, or a run did not keep its policy and it changed.
    """
    with engine.connect() as connection:
        computations = _computations(connection, _runs(connection, request))
    together: dict[str, list[_Computation]] = {}
    for each in computations:
        together.setdefault(each.basis, []).append(each)
    done, replays = 0, []
    for group in together.values():
        for one in _replayed(engine, settings, group):
            done += 1
            replays.append(one)
            on_step(done, len(computations))
    return sorted(replays, key=lambda one: (one.as_of, str(one.run_id)))


def _runs(connection: Connection, request: ReplayRequest) -> list[dict[str, Any]]:
    league = None if request.sport is None else sport(request.sport)
    if request.run is None and request.day is None and request.season is None:
        raise UsageError("say which runs: --run, --date or --season (see `aipro predict runs`)")
    if league is None and request.run is None:
        raise UsageError("say which sport: days and seasons are a sport's own")
    decided = None
    if request.day is not None and league is not None:
        zone = ZoneInfo(league.config.timezone)
        decided = (datetime.combine(request.day, time(), zone), datetime.combine(request.day + _DAY, time(), zone))
    code, reference = (None if league is None else league.code), request.run and request.run.lower()
    found = predictions.stored_runs(connection, code, reference, decided, request.season)
    if not found or (reference is not None and len(found) > 1):
        raise UsageError(f"{'no run fits' if not found else 'several runs begin so'}: see `aipro predict runs`")
    return found


def _computations(connection: Connection, runs: Sequence[Mapping[str, Any]]) -> list[_Computation]:
    """Return every computation of the runs: the first, those their journals tell of, and older ones known by rows."""
    rows: dict[tuple[UUID, datetime], list[dict[str, Any]]] = {}
    for row in predictions.ledger_rows_of(connection, [run["id"] for run in runs]):
        rows.setdefault((row["run_id"], row["created_at"]), []).append(row)
    found = []
    for run in runs:
        told = {run["started_at"]: (run["versions"], run["abstentions"] or [])}
        for entry in run["journal"] or []:
            if isinstance(entry, dict) and entry.get("step") == COMPUTED_AGAIN:
                told[datetime.fromisoformat(entry["at"])] = (entry["versions"], entry["abstentions"])
        for moment in sorted(at for run_id, at in rows if run_id == run["id"] and at not in told):
            told[moment] = (run["versions"], run["abstentions"] or [])
        found += [_Computation(run, at, *said, rows.get((run["id"], at), [])) for at, said in told.items()]
    return found


def _replayed(engine: Engine, settings: Settings, group: Sequence[_Computation]) -> Iterator[RunReplay]:
    """Yield the replay of each computation of a group: one sport, moment, policy and panel."""
    first = group[0]
    league = sport(first.run["sport"])
    games = sorted({game for each in group for game in each.versions["games"]})
    with engine.connect() as connection:
        policy = _policy(connection, league, first)
        stored = models.models_by_id(connection, {UUID(pins["model_id"]) for pins in first.pins.values()})
        records = load_records(connection, league.code, odds_of=games, recorded_by=first.at, reference_closes=True)
    speakers = _speakers(settings, league, stored, first.pins)
    slots = _slots(records, group)
    sitting = sit(league, policy, speakers, records, slots)
    changed = any(
        league.version(speaker.model.feature_names) != pins["feature_set"]
        for speaker, pins in zip(speakers, _in_order(league, first.pins), strict=True)
    )
    slates = [sitting.slate(slot) for slot in slots]
    with engine.connect() as connection:
        known = _known_before(connection, group, slates)
    for each, slate in zip(group, slates, strict=True):
        equal, differences = compare(each.rows, each.abstentions, slate, known)
        run = (each.run["id"], each.run["as_of"], RunMode(each.run["mode"]))
        yield RunReplay(*run, len(each.rows), equal, len(each.abstentions), tuple(differences), changed)


def _known_before(connection: Connection, group: Sequence[_Computation], slates: Sequence[Slate]) -> set[str]:
    """Return the hashes that the ledger has of another computation: what stood there already was not written again."""
    own = {row["prediction_hash"] for each in group for row in each.rows}
    came = [prediction.prediction_hash for slate in slates for prediction in slate.predictions]
    return predictions.ledger_hashes(connection, [hash_ for hash_ in came if hash_ not in own])


def _slots(records: Records, group: Sequence[_Computation]) -> list[Slot]:
    """Return the games of each computation with their kick-offs as the schedule had them then."""
    schedule = History(records).latest_schedule()[["kickoff", "season"]]
    slots = []
    for each in group:
        games = schedule.reindex(list(each.versions["games"])).sort_values("kickoff", kind="stable")
        if games["kickoff"].isna().any():
            raise GuardError(
                f"game {games.index[games['kickoff'].isna()][0]} of run {str(each.run['id'])[:8]} was not stored, or "
                f"called off, by {iso_utc(each.at)}: the database is not the one the run was computed from"
            )
        as_of = pd.Series(pd.Timestamp(each.run["as_of"]), index=games.index).astype(games["kickoff"].dtype)
        slots.append(Slot(each.run["as_of"], RunMode(each.run["mode"]), games.assign(as_of=as_of)))
    return slots


def _speakers(
    settings: Settings,
    league: Sport,
    stored: Mapping[UUID, models.StoredModel],
    pins: Mapping[str, Mapping[str, Any]],
) -> list[Speaker]:
    return [pinned_speaker(settings, stored[UUID(each["model_id"])], each) for each in _in_order(league, pins)]


def _in_order(league: Sport, pins: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [pins[bet_type] for bet_type in league.bet_types if bet_type in pins]


def _policy(connection: Connection, league: Sport, computation: _Computation) -> Policy:
    """Return the policy the run kept; of a run of before, today's as it then was, if its hash says that it is that."""
    kept = computation.versions.get("policy_document")
    if kept is not None:
        if content_hash(kept) != computation.versions["policy"]:
            raise GuardError(f"run {str(computation.run['id'])[:8]}: the policy it kept is not the one its hash names")
        return policy_of(kept)
    overrides = settings_under(connection, [f"tier.{league.code}."])
    return _of_before(build_policy(policy_config(), league.code, overrides), computation)


def _of_before(today: Policy, computation: _Computation) -> Policy:
    """Return today's policy without what runs of before knew nothing of: stakes that shrink, and stale features."""
    kelly = today.kelly.model_copy(update={"shrink": False})
    policy = Policy(**{**vars(today), "kelly": kelly, "freshness": Freshness()})
    document = policy.document
    document.pop("freshness")
    document["kelly"].pop("shrink")
    if content_hash(document) != computation.versions["policy"]:
        raise GuardError(
            f"run {str(computation.run['id'])[:8]} kept only the hash of its policy, which has changed since"
        )
    return policy


def _ids(pins: Mapping[str, Mapping[str, Any]]) -> set[str]:
    return {str(each["model_id"]) for each in pins.values()}
