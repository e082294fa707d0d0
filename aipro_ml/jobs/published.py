"""What the read API tells of predictions, models and the ledger, each on a connection that only reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from aipro_ml.db.repositories import health, models, predictions, published, published_models
from aipro_ml.db.repositories.published import Sight, Wanted
from aipro_ml.db.repositories.published_models import WantedModels
from aipro_ml.enums import BetType, RunMode, Tier
from aipro_ml.features.sport import sport as find_sport
from aipro_ml.inference.ledger import GENESIS, Head
from aipro_ml.inference.ledger_export import proof_under, root_of

__all__ = ["Sight", "WantedModels"]

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)
"""No game was played or will be before or after: days beyond are moved to these."""

MOST_IMPORTANT = 15


@dataclass(frozen=True)
class Days:
    """Local days of the sport, both included (of UTC where no sport is named); None: open on that side."""

    since: date | None = None
    until: date | None = None

    def span(self, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """Return the moments they span, the latter excluded; None where both sides are open."""
        if self.since is None and self.until is None:
            return None
        first, last = _within(self.since or FIRST_DAY), _within(self.until or LAST_DAY)
        after = datetime.combine(last + timedelta(days=1), time(), zone)
        return datetime.combine(first, time(), zone).astimezone(UTC), after.astimezone(UTC)


@dataclass(frozen=True)
class Asked:
    """Which predictions a reader asks for; None and () leave a filter out."""

    sport: str | None = None  # its code as it is written
    days: Days = Days()
    bet_types: tuple[BetType, ...] = ()
    tiers: tuple[Tier, ...] = ()
    mode: RunMode = RunMode.LIVE
    model_id: UUID | None = None
    game_id: UUID | None = None
    shadow: bool = False
    graded: bool = False


def predictions_page(
    connection: Connection, sight: Sight, asked: Asked, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Return at most `limit` predictions published before ledger row `before`, newest first.

    UsageError for an unknown sport.
    """
    wanted = Wanted(
        sport=asked.sport,
        kickoffs=days_of(asked.days, asked.sport),
        bet_types=asked.bet_types,
        tiers=asked.tiers,
        modes=(asked.mode,),
        model_id=asked.model_id,
        game_id=asked.game_id,
        shadow=asked.shadow,
        graded=asked.graded,
    )
    return published.predictions_before(connection, sight, wanted, before, limit)


def days_of(days: Days, sport: str | None) -> tuple[datetime, datetime] | None:
    """Return the moments that local days of a sport span (None: days of UTC); UsageError for an unknown sport."""
    return days.span(_zone(sport))


def prediction(connection: Connection, sight: Sight, prediction_id: UUID) -> dict[str, Any] | None:
    """Return a prediction with its `explanation` (rows by rank), or None where the reader may see none of this id."""
    found = published.prediction_seen(connection, sight, prediction_id)
    if found is None:
        return None
    return {**found, "explanation": published.explanation_rows(connection, prediction_id)}


def is_seen(connection: Connection, sight: Sight, prediction_id: UUID) -> bool:
    """Return whether the reader may see a prediction of this id."""
    return published.prediction_seen(connection, sight, prediction_id) is not None


def models_page(
    connection: Connection, wanted: WantedModels, before: tuple[datetime, UUID] | None, limit: int
) -> list[dict[str, Any]]:
    """Return at most `limit` models created before `before`, newest first."""
    return published_models.models_before(connection, wanted, before, limit)


def model(connection: Connection, model_id: UUID, *, shadow: bool) -> dict[str, Any] | None:
    """Return a model with its most important features (`importance`), or None where the reader may see none."""
    found = published_models.models_before(connection, WantedModels(model_id=model_id, shadow=shadow), None, 1)
    if not found:
        return None
    return {**found[0], "importance": models.importance_of(connection, model_id, MOST_IMPORTANT)}


def performance_page(
    connection: Connection, wanted: WantedModels, days: Days, before: tuple[date, UUID] | None, limit: int
) -> list[dict[str, Any]]:
    """Return at most `limit` days of models' performance before `before`, newest first; days are those of UTC."""
    span = None
    if days.since is not None or days.until is not None:
        span = (_within(days.since or FIRST_DAY), _within(days.until or LAST_DAY))
    return published_models.performance_before(connection, wanted, span, before, limit)


def ledger_head(connection: Connection) -> Head:
    """Return the ledger's head; that of an empty ledger where nothing was published."""
    found = predictions.ledger_head(connection)
    return GENESIS if found is None else Head(*found)


def ledger_root(connection: Connection, head: Head) -> str:
    """Return the Merkle root over the ledger up to `head`."""
    return root_of(predictions.chain_hashes(connection)[: head.seq])


def ledger_proof(connection: Connection, prediction_id: UUID, size: int | None) -> dict[str, Any] | None:
    """Return the proof that a prediction stands among the first `size` rows of the ledger (None: all of today's).

    None where no ledger row speaks of it; UsageError where it is not among the first `size`, or there are fewer.
    """
    row = published.ledger_row(connection, prediction_id)
    return None if row is None else proof_under(row, predictions.chain_hashes(connection), size)


def latest_health(connection: Connection) -> list[dict[str, Any]]:
    """Return the latest snapshot of each component: component, status, says, snapshot_at."""
    rows: Sequence[dict[str, Any]] = health.latest_health(connection)
    return [{**row, "says": (row["metrics"] or {}).get("says", "")} for row in rows]


def state(connection: Connection) -> str:
    """Return which commits this connection sees: two equal ones see the same rows."""
    return health.snapshot(connection)


def answers(connection: Connection) -> None:
    """Ask the database the least there is to ask; whatever it raises says that it does not answer."""
    health.ping(connection)


@lru_cache
def _zone(sport: str | None) -> ZoneInfo:
    """Return where the sport's days begin and end; UsageError for an unknown sport."""
    return ZoneInfo("UTC" if sport is None else find_sport(sport).config.timezone)


def _within(day: date) -> date:
    return min(max(day, FIRST_DAY), LAST_DAY)
