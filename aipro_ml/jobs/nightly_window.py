"""Which games a night is for."""

from datetime import datetime, timedelta

import pandas as pd
from sqlalchemy import Connection

from aipro_ml.db.repositories import games

PLAYABLE = ("scheduled", "in_progress", "final")
"""Standings of games that are or were played as planned: a postponed or cancelled one has no night."""


def upcoming(connection: Connection, code: str, as_of: datetime, window: timedelta) -> pd.DataFrame:
    """Return the games of the sport's schedule that kick off in (as_of, as_of + window]."""
    near = games.schedule(connection, code, (as_of, as_of + window))
    if near.empty:
        return near
    return near[near["status"].isin(PLAYABLE) & (near["kickoff"] > pd.Timestamp(as_of))]
