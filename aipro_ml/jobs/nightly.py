"""The nightly run: import, market, features, predictions, grades, performance, warehouse, health, alerts; resumable."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from aipro_ml.config import NightlyConfig, NightlySource, Settings, nightly_config
from aipro_ml.db.locks import tried
from aipro_ml.db.repositories import nights
from aipro_ml.db.repositories.alerts import NewAlert
from aipro_ml.enums import Severity
from aipro_ml.errors import AiproError, DatabaseError, NightInterruptedError, StaleDataError
from aipro_ml.features.sport import sport
from aipro_ml.jobs.alerts import raise_alerts
from aipro_ml.jobs.database import opened
from aipro_ml.jobs.lost import is_lost, reason_of
from aipro_ml.jobs.night import Night, Outcome
from aipro_ml.jobs.nightly_steps import (
    NEEDS,
    NIGHT_STEPS,
    ONLY_WHERE,
    SPORT_STEPS,
    fetch_feed,
    import_files,
    sports_of,
)
from aipro_ml.jobs.odds_feed import FeedRequest
from aipro_ml.times import iso_utc

log = logging.getLogger(__name__)

LOCK = "nightly"
"""The right to run a night; a session's lock, so that a killed night gives it back."""

ATTEMPTS = 5
"""How often a night is taken up again after the database went away."""


class State(StrEnum):
    """How a step of a night ended."""

    DONE = "done"
    BEFORE = "done before"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class StepReport:
    """One step of a night: of which sport (or source), how it ended, and the rows this call wrote."""

    step: str
    sport: str
    state: State
    says: str
    written: int = 0
    exit_code: int = 0

    @property
    def row(self) -> dict[str, object]:
        """Return the report as a row of a table."""
        return {"step": self.step, "of": self.sport, "state": self.state.value, "written": self.written, "": self.says}


@dataclass(frozen=True)
class NightReport:
    """A night: its decision time and steps; `busy`: another process is at a night, and nothing was done."""

    as_of: datetime
    steps: tuple[StepReport, ...] = ()
    busy: bool = False

    @property
    def written(self) -> int:
        """Return how many rows this call wrote."""
        return sum(step.written for step in self.steps)

    @property
    def failures(self) -> list[StepReport]:
        """Return the steps that failed."""
        return [step for step in self.steps if step.state is State.FAILED]


@dataclass(frozen=True)
class NightRequest:
    """Which night: decided at `as_of`, of `sports` (empty: as configured), by the `clock`.

    `wait` returns once its moment has come, so that what is imported first still counts. `on_step` hears of each step.
    """

    as_of: datetime
    clock: Callable[[], datetime]
    sports: tuple[str, ...] = ()
    wait: Callable[[datetime], None] = lambda _: None
    on_step: Callable[[StepReport], None] = lambda _: None


def run_night(settings: Settings, request: NightRequest) -> NightReport:
    """Run the night, or what is left of it: steps the journal has are not repeated.

    Two at once: one works, the other's report is `busy`. A step that fails stops no other but those that need it;
    its report says why. Where the database goes away the night is taken up again, NightInterruptedError after
    ATTEMPTS; whatever ends it, the same request finishes it.
    """
    plan = nightly_config(settings)
    plan = replace_sports(plan, request.sports)
    _refuse_early(plan, request)
    import tenacity

    tries = tenacity.Retrying(
        retry=tenacity.retry_if_exception(is_lost),
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=tenacity.wait_exponential(multiplier=0.5, max=5),
        reraise=True,
    )
    try:
        return tries(_attempt, settings, plan, request)
    except Exception as error:
        if not is_lost(error):
            raise
        raise NightInterruptedError(
            f"the database went away ({reason_of(error)}); what was committed stands, run the same night again: "
            f"`aipro nightly --as-of {iso_utc(request.as_of)}`"
        ) from error


def replace_sports(plan: NightlyConfig, sports: tuple[str, ...]) -> NightlyConfig:
    """Return the plan with only these sports, their sources and feeds; unchanged where none is named."""
    if not sports:
        return plan
    codes = tuple(sport(code).code for code in sports)
    return plan.model_copy(
        update={
            "sports": codes,
            "sources": tuple(one for one in plan.sources if one.sport is None or one.sport.upper() in codes),
            "feeds": tuple(one for one in plan.feeds if one.sport.upper() in codes),
        }
    )


def _refuse_early(plan: NightlyConfig, request: NightRequest) -> None:
    ahead = request.as_of - request.clock()
    if ahead > timedelta(minutes=plan.lead_minutes + 1):
        raise StaleDataError(
            f"as_of {iso_utc(request.as_of)} lies in the future: a night may begin {plan.lead_minutes} minutes before "
            "its decision (lead_minutes), not earlier"
        )


def _attempt(settings: Settings, plan: NightlyConfig, request: NightRequest) -> NightReport:
    with opened(settings) as engine, tried(engine, LOCK) as mine:
        if not mine:
            return NightReport(request.as_of, busy=True)
        night = Night(engine, settings, plan, request.as_of, request.clock)
        with engine.connect() as connection:
            journal = nights.steps_done(connection, request.as_of)
        return NightReport(request.as_of, tuple(_Run(night, journal, request).steps()))


@dataclass
class _Run:
    """One pass over the steps of a night."""

    night: Night
    journal: Mapping[tuple[str, str], Mapping[str, Any]]
    request: NightRequest

    def steps(self) -> Iterator[StepReport]:
        reports: list[StepReport] = []
        for report in self._steps(reports):
            reports.append(report)
            self.request.on_step(report)
            yield report

    def _steps(self, reports: list[StepReport]) -> Iterator[StepReport]:
        yield from self._imports()
        if self.night.clock() < self.night.as_of:
            self.request.wait(self.night.as_of)
        sports = sports_of(self.night)
        if not sports:
            yield StepReport("predict", "", State.SKIPPED, "no sport has a production model, and the plan names none")
        for code in sports:
            yield from self._of_sport(code, reports)
        failed = [alert_of(self.night.as_of, r) for r in reports if r.state is State.FAILED]
        raise_alerts(self.night.engine, self.night.settings, failed, self.night.clock())
        for step, close in NIGHT_STEPS:
            yield self._done(step, "", partial(close, self.night))

    def _of_sport(self, code: str, reports: list[StepReport]) -> Iterator[StepReport]:
        for step, act in SPORT_STEPS:
            if step in ONLY_WHERE and not ONLY_WHERE[step](self.night, code):
                continue
            needed = [r for r in reports if r.step == NEEDS.get(step) and r.sport == code]
            if any(r.state in {State.FAILED, State.SKIPPED} for r in needed):
                yield StepReport(step, code, State.SKIPPED, f"{NEEDS[step]} was not done")
            else:
                yield self._done(step, code, partial(act, self.night, code))

    def _imports(self) -> Iterator[StepReport]:
        for name, source in named(self.night.plan.sources).items():
            yield self._done("import", name, partial(import_files, self.night, source))
        for feed in self.night.plan.feeds if self.night.is_live else ():
            request = FeedRequest(sport(feed.sport).code, feed.markets, feed.regions)
            yield self._done("fetch", request.sport, partial(fetch_feed, self.night, request))

    def _done(self, step: str, code: str, act: Callable[[], Outcome]) -> StepReport:
        """Return the report of a step: from the journal where it stands there, else of doing it now."""
        noted = self.journal.get((step, code))
        if noted is not None:
            return StepReport(step, code, State.BEFORE, str(noted.get("says", "")))
        try:
            outcome = act()
        except DatabaseError:
            raise
        except AiproError as error:
            log.warning("a step of the night failed", extra={"step": step, "sport": code, "error": str(error)})
            return StepReport(step, code, State.FAILED, str(error), exit_code=error.exit_code)
        except Exception as error:
            if is_lost(error):
                raise
            log.exception("a step of the night failed unexpectedly", extra={"step": step, "sport": code})
            told = " ".join(f"unexpected error: {type(error).__name__}: {error}".split())[:300]
            return StepReport(step, code, State.FAILED, told, exit_code=2)
        if outcome.final:
            self._note((step, code), outcome)
        return StepReport(step, code, State.DONE, outcome.says, outcome.written)

    def _note(self, place: tuple[str, str], outcome: Outcome) -> None:
        with self.night.engine.begin() as connection:
            facts = {"says": outcome.says, **outcome.facts}
            nights.note_step(connection, self.night.as_of, place, facts, self.night.clock())


def alert_of(as_of: datetime, failed: StepReport) -> NewAlert:
    """Return what somebody is told of a step that failed."""
    about = f"{failed.step} {failed.sport}".strip()
    message = f"night of {as_of:%Y-%m-%d %H:%M} UTC: {about} failed: {failed.says}"
    return NewAlert("night_step", about, Severity.CRITICAL, message[:2000], {"as_of": iso_utc(as_of)})


def named(sources: Sequence[NightlySource]) -> dict[str, NightlySource]:
    """Return the configured sources by what the journal calls them: source and sport, numbered where that repeats."""
    found: dict[str, NightlySource] = {}
    for source in sources:
        name = source.source if source.sport is None else f"{source.source} {source.sport.upper()}"
        same = sum(other.partition(" #")[0] == name for other in found)
        found[f"{name} #{same + 1}" if same else name] = source
    return found
