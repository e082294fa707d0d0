"""What the parts of the platform share: settings, the open database, the clock."""

import warnings
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Engine

from aipro_ml.config import Settings

Clock = Callable[[], datetime]


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def nothing() -> None:
    """Leave what somebody else opened open."""


class Session:
    """An open installation: `settings`, `engine`, and the clock every job is told the time by."""

    def __init__(
        self, settings: Settings, engine: Engine, clock: Clock = now, on_close: Callable[[], None] = nothing
    ) -> None:
        self.settings, self.engine, self._clock, self._on_close = settings, engine, clock, on_close


def warn(text: str) -> None:
    """Warn the caller of a method of `Session`."""
    warnings.warn(text, stacklevel=3)
