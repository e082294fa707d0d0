"""The schedule: which night it is."""

from datetime import datetime, timedelta

from aipro_ml.config import Settings, nightly_config
from aipro_ml.jobs.schedule_times import latest_slot


def night_at(settings: Settings, now: datetime, *, begin_now: bool = False) -> datetime:
    """Return the decision time of the latest night that has begun by `now`: its slot and lead_minutes.

    With `begin_now` a night of its own begins this minute, and decides after the lead where it imports anything.
    """
    plan = nightly_config(settings)
    slot = latest_slot(plan.tasks["nightly"], plan.timezone, now)
    lead = timedelta(minutes=plan.lead_minutes)
    if begin_now:
        slot = now.replace(second=0, microsecond=0)
        lead = lead if plan.sources or plan.feeds else timedelta()
    return slot + lead
