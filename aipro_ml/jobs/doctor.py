"""The doctor: every invariant of the platform held against the live database and the files beside it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from aipro_ml.config import Settings
from aipro_ml.db import migrate
from aipro_ml.db.repositories import invariants, models, nights, predictions
from aipro_ml.db.repositories import market as market_rows
from aipro_ml.errors import AiproError
from aipro_ml.features.sport import sport
from aipro_ml.inference.ledger import verify
from aipro_ml.jobs import system_settings
from aipro_ml.jobs.calibrate import stored_calibration, stored_interval
from aipro_ml.jobs.database import opened
from aipro_ml.jobs.grading import grade_predictions
from aipro_ml.jobs.health import artifact_fault

ABANDONED_AFTER = timedelta(hours=24)
"""What says it is running since longer than this is taken for left behind."""


@dataclass(frozen=True)
class Patient:
    """What is examined, and when."""

    connection: Connection
    settings: Settings
    now: datetime


@dataclass(frozen=True)
class Finding:
    """One invariant: whether it holds, and what was looked at or found."""

    check: str
    holds: bool
    says: str

    @property
    def row(self) -> dict[str, object]:
        """Return the finding as a row of a table."""
        return {"check": self.check, "holds": self.holds, "says": self.says}


def examine(
    settings: Settings, now: datetime, on_step: Callable[[int, int], None] = lambda _done, _total: None
) -> list[Finding]:
    """Return every invariant with whether it holds; nothing is written."""
    found = []
    with opened(settings) as engine, engine.connect() as connection:
        patient = Patient(connection, settings, now)
        for name in CHECKS:
            found.append(check(patient, name))
            on_step(len(found), len(CHECKS))
    return found


def check(patient: Patient, name: str) -> Finding:
    """Return one invariant of CHECKS."""
    try:
        faults = list(CHECKS[name](patient))
    except AiproError as error:  # it cannot even be looked at
        faults = [str(error)]
    if not faults:
        return Finding(name, holds=True, says="")
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return Finding(name, holds=False, says=f"{faults[0]}{more}")


def _rule(name: str) -> Callable[[Patient], Iterator[str]]:
    def faults(patient: Patient) -> Iterator[str]:
        before = (patient.now - ABANDONED_AFTER).replace(tzinfo=None)
        found = invariants.offenders(patient.connection, name, before)
        if found.count:
            yield f"{found.count}: {found.first}"

    return faults


def _schema(patient: Patient) -> Iterator[str]:
    yield from migrate.differences(patient.connection)


def _rights(patient: Patient) -> Iterator[str]:
    found = invariants.loose_rights(patient.connection)
    if found.count:
        yield found.first


def _ledger(patient: Patient) -> Iterator[str]:
    for fault in verify(predictions.ledger_rows(patient.connection), None):
        yield f"{fault.kind.value} at row {fault.seq}: {fault.message}"


def _accounts(patient: Patient) -> Iterator[str]:
    """Graded, pending, void and ungradeable are all, and the stored grades are those of now."""
    for code in nights.sports_stored(patient.connection):
        graded = grade_predictions(patient.connection, sport(code))
        found, count = graded.predictions, graded.accounting
        if count.total != len(found):
            yield f"{code}: {count} are not {len(found)} predictions"
        stored = int(found["graded_at"].notna().sum()) if len(found) else 0
        if stored != len(graded.grades):
            yield f"{code}: {stored} grades are stored, {len(graded.grades)} games are over: run `aipro grade run`"


def _artifacts(patient: Patient) -> Iterator[str]:
    for model in models.list_models(patient.connection):
        if not model.is_production:
            continue
        fault = artifact_fault(patient.settings, model)
        if fault is not None:
            yield f"{model.sport} {model.bet_type}: {fault}"
            continue
        try:
            stored_calibration(patient.settings, model)
            stored_interval(patient.settings, model)
        except AiproError as error:
            yield f"{model.sport} {model.bet_type}: {error}"


def _market(patient: Patient) -> Iterator[str]:
    for code in nights.sports_stored(patient.connection):
        late = market_rows.games_to_derive(patient.connection, code, patient.now, everything=False)
        if late:
            yield f"{code}: {len(late)} games are out of date: run `aipro odds close --sport {code}`"


def _settings(patient: Patient) -> Iterator[str]:
    yield from system_settings.faults_of(patient.connection, patient.settings)


CHECKS: dict[str, Callable[[Patient], Iterator[str]]] = {
    "the schema is the code's, guards and all": _schema,
    "what is append-only cannot be changed": _rights,
    "the ledger verifies": _ledger,
    "graded, pending, void, ungradeable are all": _accounts,
    "production models have their artifacts": _artifacts,
    "closes follow the quotes": _market,
    "every system setting is known and fits": _settings,
    **{name: _rule(name) for name in invariants.RULES},
}
"""Every invariant by what it says."""
