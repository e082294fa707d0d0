"""When a task is due: cron expressions in a time zone, across changes of the clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from aipro_ml.errors import UsageError

_ZONE = "CRON_TZ="
_FIELDS = 5


def split_zone(expression: str, zone: str) -> tuple[str, ZoneInfo]:
    """Return the bare cron expression and its time zone: that of a leading CRON_TZ=, else `zone`.

    UsageError says what is wrong with either.
    """
    words = expression.split()
    if words and words[0].startswith(_ZONE):
        zone, words = words[0].removeprefix(_ZONE), words[1:]
    bare = " ".join(words)
    try:
        found = ZoneInfo(zone)
        if len(words) > _FIELDS:
            raise CronSimError("a field too many")  # CronSim would take the first for seconds
        CronSim(bare, datetime(2026, 1, 1, tzinfo=found))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"{zone!r} is no time zone: give one like Europe/London") from error
    except CronSimError as error:
        raise UsageError(
            f"{expression!r} is no cron expression ({error}): minute hour day month weekday, as 0 6 * * *"
        ) from error
    return bare, found


def next_slot(expression: str, zone: str, after: datetime) -> datetime:
    """Return the first moment (UTC) later than `after` at which the task is due."""
    bare, local = split_zone(expression, zone)
    return next(CronSim(bare, after.astimezone(local))).astimezone(UTC)


def latest_slot(expression: str, zone: str, until: datetime) -> datetime:
    """Return the last moment (UTC), `until` included, at which the task was due."""
    bare, local = split_zone(expression, zone)
    return next(CronSim(bare, (until + timedelta(seconds=1)).astimezone(local), reverse=True)).astimezone(UTC)
