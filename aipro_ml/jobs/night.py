"""What every step of a night works with, and what it comes to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from aipro_ml.config import NightlyConfig, Settings
from aipro_ml.jobs.predict import LIVE_WITHIN


@dataclass(frozen=True)
class Night:
    """What every step works with: the night's decision time, what is configured, and the time of day by `clock`."""

    engine: Engine
    settings: Settings
    plan: NightlyConfig
    as_of: datetime
    clock: Callable[[], datetime]

    @property
    def window(self) -> timedelta:
        """Return how long after its decision a night looks for kick-offs."""
        return timedelta(hours=self.plan.horizon_hours)

    @property
    def is_live(self) -> bool:
        """Return whether the night is this one: of a night long past neither odds nor a shadow can be had any more."""
        return bool(self.clock() - self.as_of <= LIVE_WITHIN)


@dataclass(frozen=True)
class Outcome:
    """What a step came to: `facts` are the same however often it was interrupted, `written` is what this call did.

    `final`: the journal keeps it, and the same night again does not repeat it.
    """

    says: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    written: int = 0
    final: bool = True
