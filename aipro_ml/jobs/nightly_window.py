"""Which games a night is for."""

from datetime import datetime, timedelta

import pandas as pd

PLAYABLE = ("scheduled", "in_progress", "final")
"""Standings of games that are or were played as planned: a postponed or cancelled one has no night."""


def upcoming(schedule: pd.DataFrame, as_of: datetime, window: timedelta) -> pd.DataFrame:
    """Return the games of a schedule (columns kickoff, status) that kick off in (as_of, as_of + window]."""
    if schedule.empty:
        return schedule
    first, last = pd.Timestamp(as_of), pd.Timestamp(as_of + window)
    playable = schedule["status"].isin(PLAYABLE)
    return schedule[playable & (schedule["kickoff"] > first) & (schedule["kickoff"] <= last)]
