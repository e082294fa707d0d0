"""The schedule: which tasks there are, which are due, and running each of them once."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from aipro_ml.config import NightlyConfig, Settings, nightly_config
from aipro_ml.db.locks import tried
from aipro_ml.db.repositories import tasks
from aipro_ml.db.repositories.alerts import NewAlert
from aipro_ml.db.repositories.tasks import StoredTask
from aipro_ml.enums import Severity
from aipro_ml.errors import AiproError, UsageError
from aipro_ml.features.sport import sport
from aipro_ml.jobs.alerts import raise_alerts
from aipro_ml.jobs.database import opened
from aipro_ml.jobs.lost import is_lost
from aipro_ml.jobs.schedule_times import latest_slot, next_slot, split_zone

log = logging.getLogger(__name__)

KINDS = ("close", "odds", "nightly", "watch", "backup", "retention", "recalibrate", "retrain")
"""What a task can be, in the order in which those due at once are run: the most urgent first, the longest last."""

LONGEST_CRON = 50
"""`scheduled_tasks.cron_expression` is VARCHAR(50)."""


@dataclass(frozen=True)
class Due:
    """A task that is due: its slot, the sports it is for (empty: all configured), and the time of day."""

    kind: str
    sports: tuple[str, ...]
    slot: datetime
    clock: Callable[[], datetime]
    wait: Callable[[datetime], None]


Act = Callable[[Settings, NightlyConfig, Due], str]


@dataclass(frozen=True)
class TaskReport:
    """What became of a task that was due."""

    name: str
    slot: datetime
    state: str
    says: str

    @property
    def row(self) -> dict[str, object]:
        """Return the report as a row of a table."""
        return {"task": self.name, "slot": self.slot, "state": self.state, "says": self.says}


@dataclass(frozen=True)
class DueRequest:
    """How to run what is due: by this `clock`, with these acts by kind; `wait` returns once its moment has come."""

    clock: Callable[[], datetime]
    acts: dict[str, Act]
    wait: Callable[[datetime], None] = lambda _: None
    on_task: Callable[[TaskReport], None] = lambda _: None


def night_at(settings: Settings, now: datetime, *, begin_now: bool = False) -> datetime:
    """Return the decision time of the latest night that has begun by `now`: its slot and lead_minutes.

    With `begin_now` a night of its own begins this minute, and decides after the lead where it imports anything.
    """
    plan = nightly_config(settings)
    if begin_now:
        lead = timedelta(minutes=plan.lead_minutes if plan.sources or plan.feeds else 0)
        return now.replace(second=0, microsecond=0) + lead
    if "nightly" not in plan.tasks:
        raise UsageError("the plan has no task `nightly`: give --as-of, or name its time under tasks")
    return latest_slot(plan.tasks["nightly"], plan.timezone, now) + timedelta(minutes=plan.lead_minutes)


def list_tasks(settings: Settings, now: datetime) -> list[dict[str, object]]:
    """Return every task with its zone and when it is due next, as rows of a table."""
    plan = nightly_config(settings)
    with opened(settings) as engine, engine.begin() as connection:
        _follow_plan(connection, plan, now)
        found = tasks.list_tasks(connection)
    return [_row(plan, task) for task in found]


def add_task(settings: Settings, name: str, cron: str, now: datetime) -> StoredTask:
    """Add a task beside those of the plan: a kind, or a kind and a sport (`retrain:NFL`)."""
    plan = nightly_config(settings)
    if name in plan.tasks:
        raise UsageError(f"{name} stands in the plan (nightly.yaml): change its time there")
    due = next_slot(cron, zone_of(plan, name), now)
    if len(cron) > LONGEST_CRON:
        raise UsageError(
            f"{cron!r} is longer than {LONGEST_CRON} characters: leave CRON_TZ= out, or name a list shorter"
        )
    with opened(settings) as engine, engine.begin() as connection:
        if not tasks.add_task(connection, name, cron, due):
            tasks.change_task(connection, name, {"cron_expression": cron, "next_run": due})
        stored = tasks.find_task(connection, name)
    if stored is None:
        raise AiproError(f"task {name} was removed meanwhile: add it again")
    return stored


def switch_task(settings: Settings, name: str, now: datetime, *, on: bool) -> StoredTask:
    """Enable or disable a task; what it missed while it was off is not made up."""
    plan = nightly_config(settings)
    with opened(settings) as engine, engine.begin() as connection:
        _follow_plan(connection, plan, now)
        task = _named(connection, name)
        changed: dict[str, object] = {"is_enabled": on}
        if on and not task.is_enabled:
            changed |= {"next_run": next_slot(task.cron, zone_of(plan, name), now)}
        tasks.change_task(connection, name, changed)
        return _named(connection, name)


def remove_task(settings: Settings, name: str) -> None:
    """Remove a task that was added; one of the plan is disabled instead."""
    if name in nightly_config(settings).tasks:
        raise UsageError(f"{name} stands in the plan: `aipro schedule disable {name}`")
    with opened(settings) as engine, engine.begin() as connection:
        if not tasks.remove_task(connection, name):
            raise UsageError(f"no task {name!r}: see `aipro schedule list`")


def run_due(settings: Settings, request: DueRequest) -> list[TaskReport]:
    """Run each task that is due, once however often it was missed; return what became of each.

    A task another process is at is left to it. One that fails is told of by an alert and stops no other. Killed in
    the middle it stays due, and the next call runs it again for the same slot.
    """
    plan = nightly_config(settings)
    with opened(settings) as engine:
        now = request.clock()
        with engine.begin() as connection:
            _follow_plan(connection, plan, now)
            due = [task for task in tasks.list_tasks(connection) if task.is_due(now)]
        reports = []
        for task in sorted(due, key=lambda task: (KINDS.index(_kind(task.name)), task.name)):
            for report in _run_one(engine, settings, plan, task.name, request):
                request.on_task(report)
                reports.append(report)
    return reports


def zone_of(plan: NightlyConfig, name: str) -> str:
    """Return the time zone of a task: of its sport where it names one, else the plan's."""
    _kind(name)
    code = name.partition(":")[2]
    return sport(code).config.timezone if code else plan.timezone


def _kind(name: str) -> str:
    kind = name.partition(":")[0]
    if kind not in KINDS:
        raise UsageError(
            f"no task {name!r}: a task is one of {', '.join(KINDS)}, or one of a sport such as retrain:NFL"
        )
    return kind


def _run_one(
    engine: Engine, settings: Settings, plan: NightlyConfig, name: str, request: DueRequest
) -> Iterator[TaskReport]:
    with tried(engine, f"task {name}") as mine:
        now = request.clock()
        with engine.begin() as connection:
            task = tasks.find_task(connection, name)
            if task is None or not task.is_due(now):
                return  # another process ran it meanwhile
            slot = latest_slot(task.cron, zone_of(plan, name), now)
            if mine:
                tasks.change_task(connection, name, {"status": tasks.RUNNING})
        if not mine:
            yield TaskReport(name, slot, "busy", "another process is at it")
            return
        code = name.partition(":")[2]
        due = Due(_kind(name), (code,) if code else (), slot, request.clock, request.wait)
        state, says = _acted(settings, plan, request.acts[due.kind], due)
        _end(engine, settings, (plan, task), (slot, state, says), request.clock())
        yield TaskReport(name, slot, "done" if state == tasks.IDLE else state, says)


def _acted(settings: Settings, plan: NightlyConfig, act: Act, due: Due) -> tuple[str, str]:
    try:
        return tasks.IDLE, act(settings, plan, due)
    except AiproError as error:
        log.warning("a scheduled task failed", extra={"task": due.kind, "error": str(error)})
        return tasks.FAILED, str(error)
    except Exception as error:
        if is_lost(error):
            raise  # nothing can be noted: the task stays due
        log.exception("a scheduled task failed unexpectedly", extra={"task": due.kind})
        return tasks.FAILED, " ".join(f"unexpected error: {type(error).__name__}: {error}".split())[:300]


def _end(
    engine: Engine,
    settings: Settings,
    of: tuple[NightlyConfig, StoredTask],
    end: tuple[datetime, str, str],
    now: datetime,
) -> None:
    """Note how a task ended and when it is due next; where it failed, raise an alert."""
    (plan, task), (slot, state, says) = of, end
    failed = state == tasks.FAILED
    values = {
        "last_run": slot,
        "next_run": next_slot(task.cron, zone_of(plan, task.name), now),
        "status": state,
        "error_message": says if failed else None,
    }
    with engine.begin() as connection:
        tasks.change_task(connection, task.name, values)
    if failed:
        alert = NewAlert("task_failed", task.name, Severity.CRITICAL, f"task {task.name}: {says}"[:2000])
        raise_alerts(engine, settings, [alert], now)


def _follow_plan(connection: Connection, plan: NightlyConfig, now: datetime) -> None:
    """Store the plan's tasks that are missing, and bring the times of the others to the plan's."""
    for name, cron in plan.tasks.items():
        zone = zone_of(plan, name)
        task = tasks.find_task(connection, name)
        if task is None:
            tasks.add_task(connection, name, cron, next_slot(cron, zone, now))
        elif task.cron != cron:
            tasks.change_task(connection, name, {"cron_expression": cron, "next_run": next_slot(cron, zone, now)})


def _named(connection: Connection, name: str) -> StoredTask:
    task = tasks.find_task(connection, name)
    if task is None:
        raise UsageError(f"no task {name!r}: see `aipro schedule list`")
    return task


def _row(plan: NightlyConfig, task: StoredTask) -> dict[str, object]:
    bare, zone = split_zone(task.cron, zone_of(plan, task.name))
    return {
        "task": task.name,
        "cron": bare,
        "zone": str(zone),
        "enabled": task.is_enabled,
        "next (UTC)": task.next_run if task.is_enabled else None,
        "last (UTC)": task.last_run,
        "status": task.status,
        "error": task.error,
    }
