"""Where a game is played and what the clock says there: shared by views of travel and of day and night."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.features.history import History

EARTH_KM = 6371.0
FloatArray = npt.NDArray[np.float64]


def local_hour(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.Series:
    """Return the hour (0 to 24) of each kick-off at its venue, by the league's clock where that is not known."""
    zone = history.venues()["timezone"].reindex(entities["venue_id"]).to_numpy(object)
    known = np.array([isinstance(name, str) and name != "" for name in zone], dtype=bool)
    zones = pd.Series(np.where(known, zone, config.timezone), index=entities.index, dtype=object)
    hours = (hour(entities["kickoff"]) + utc_offset(zones, entities["kickoff"])) % 24
    return pd.Series(hours, index=entities.index)


def hour(kickoff: pd.Series) -> FloatArray:
    """Return the UTC hour of each kick-off, minutes as its fraction."""
    return np.asarray(kickoff.dt.hour + kickoff.dt.minute / 60, dtype=np.float64)


def utc_offset(zone: pd.Series, kickoff: pd.Series) -> FloatArray:
    """Return hours ahead of UTC of each row's `zone` at its kick-off, NaN where the zone is unknown."""
    names = zone.to_numpy(object)
    hours = np.full(len(names), np.nan)
    for name in {name for name in names if isinstance(name, str) and name}:
        rows = names == name
        wall = kickoff[rows].dt.tz_convert(name).dt.tz_localize(None)
        hours[rows] = (wall - kickoff[rows].dt.tz_localize(None)) / pd.Timedelta(hours=1)
    return hours


def distance_km(start: pd.DataFrame, end: pd.DataFrame) -> FloatArray:
    """Return great-circle distances (haversine) of rows with latitude and longitude, in whole kilometres."""
    lat1, lon1, lat2, lon2 = (
        np.radians(frame[name].to_numpy("float64")) for frame in (start, end) for name in ("latitude", "longitude")
    )
    half = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return np.asarray(np.round(2 * EARTH_KM * np.arcsin(np.sqrt(half))))
