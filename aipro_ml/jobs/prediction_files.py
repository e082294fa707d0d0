"""Predictions as files for other programs: CSV, Parquet or JSON, each row with what proves it and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import pandas as pd

from aipro_ml.config import Settings
from aipro_ml.db.repositories import predictions
from aipro_ml.enums import Tier
from aipro_ml.errors import UsageError
from aipro_ml.features.sport import sport
from aipro_ml.files import is_disk_s_fault, whole
from aipro_ml.jobs.database import opened

FileFormat = Literal["csv", "parquet", "json"]


@dataclass(frozen=True)
class Selection:
    """Which predictions: of a sport, of games on a local `day` (UTC without a sport), of tiers; unsaid, all."""

    sport: str | None = None
    day: date | None = None
    tiers: Sequence[Tier] = ()


def export_predictions(settings: Settings, chosen: Selection, path: Path, form: FileFormat) -> int:
    """Write the chosen predictions to `path`, by kick-off; return how many. The file appears whole or not at all."""
    league = None if chosen.sport is None else sport(chosen.sport)
    kickoffs = None
    if chosen.day is not None:
        zone = ZoneInfo("UTC" if league is None else league.config.timezone)
        kickoffs = (_midnight(chosen.day, zone), _midnight(chosen.day + timedelta(days=1), zone))
    with opened(settings) as engine, engine.connect() as connection:
        code = None if league is None else league.code
        frame = predictions.prediction_table(connection, code, kickoffs, [tier.value for tier in chosen.tiers])
    try:
        with whole(path) as draft:
            _write(frame, draft, form)
    except OSError as error:
        if is_disk_s_fault(error):
            raise
        raise UsageError(f"{path}: cannot be written ({error.strerror or error})") from error
    return len(frame)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _write(frame: pd.DataFrame, path: Path, form: FileFormat) -> None:
    if form == "parquet":
        frame.to_parquet(path, index=False)
    elif form == "csv":
        frame.to_csv(path, index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    else:
        frame.to_json(path, orient="records", lines=False, date_format="iso", date_unit="s", indent=1)
