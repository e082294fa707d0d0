"""Acts of people on the platform: audit log and promotions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, String, cast, func, insert, or_, select

from aipro_ml.db.models.ml import MlModel
from aipro_ml.db.models.sports import Sport
from aipro_ml.db.models.users import AuditLog, User
from aipro_ml.db.models.warehouse import FactModelPromotion, FactPrediction, FactPredictionRun
from aipro_ml.enums import BetType, RunMode, UserRole
from aipro_ml.identity import derive_id


@dataclass(frozen=True)
class StoredDecision:
    """A row of `fact_model_promotions` with the sport's code and the model's name."""

    sport: str
    bet_type: BetType
    model_id: UUID
    model: str
    previous_model_id: UUID | None
    action: str
    verdict: str | None
    reason: str | None
    actor: str | None
    gate: Mapping[str, Any] | None
    artifact_hash: str | None
    decided_at: datetime

    @property
    def took_effect(self) -> bool:
        """Return whether production changed by it; a refused promotion is kept too."""
        return self.action != "promote" or self.verdict == "PROMOTE"


@dataclass(frozen=True)
class Person:
    """A user as acts name them; `is_active` False: disabled."""

    id: UUID
    email: str
    role: UserRole
    is_active: bool


def person(connection: Connection, email: str) -> Person | None:
    """Return the user of this address (any letter case), or None."""
    statement = select(User.id, User.email, User.role, func.coalesce(User.is_active, True).label("is_active"))
    row = connection.execute(statement.where(func.lower(User.email) == email.strip().lower())).one_or_none()
    return None if row is None else Person(row.id, row.email, UserRole(row.role), row.is_active)


@dataclass(frozen=True)
class Act:
    """One act on the platform as `audit_logs` keeps it; `user_id` is who did it, where that is a user."""

    action: str
    resource: str
    resource_id: str
    details: Mapping[str, Any]
    user_id: UUID | None = None
    ip: str | None = None
    agent: str | None = None


def record_act(connection: Connection, act: Act, now: datetime) -> None:
    """Append one act to the audit log; the application may add to it, never change it."""
    connection.execute(
        insert(AuditLog).values(
            id=uuid4(),
            user_id=act.user_id,
            action=act.action,
            resource=act.resource,
            resource_id=act.resource_id,
            ip_address=act.ip,
            user_agent=act.agent,
            details=dict(act.details),
            created_at=now,
        )
    )


def audit(
    connection: Connection, action: str, resource: str, resource_id: str, act: Mapping[str, Any], now: datetime
) -> None:
    """Append an act whose actor, if any, its details name."""
    record_act(connection, Act(action, resource, resource_id, act), now)


@dataclass(frozen=True)
class Asked:
    """Which acts are asked for: of this user, of actions that begin so, since then; None: of all."""

    user_id: UUID | None = None
    action: str | None = None
    since: datetime | None = None


def list_acts(connection: Connection, asked: Asked, limit: int) -> list[dict[str, Any]]:
    """Return the latest acts, newest first: at, by (address, login or None), action, on what, from where, details."""
    row = AuditLog
    statement = select(
        row.created_at.label("at"),
        func.coalesce(User.email, row.details["login"].astext).label("by"),
        row.action,
        row.resource,
        row.resource_id,
        func.host(row.ip_address).label("ip"),
        row.user_agent.label("agent"),
        row.details,
    ).outerjoin(User, User.id == row.user_id)
    if asked.user_id is not None:  # what the user did, and what was done to the account and its keys
        key = str(asked.user_id)
        of = or_(row.user_id == asked.user_id, row.resource_id == key, row.details["user"].astext == key)
        statement = statement.where(of)
    if asked.action is not None:
        statement = statement.where(row.action.startswith(asked.action, autoescape=True))
    if asked.since is not None:
        statement = statement.where(row.created_at >= asked.since)
    latest = statement.order_by(row.created_at.desc(), row.id).limit(limit)
    return [dict(each) for each in connection.execute(latest).mappings()]


def save_promotion(connection: Connection, values: Mapping[str, Any]) -> None:
    """Append a promotion decision (columns of `fact_model_promotions`)."""
    connection.execute(insert(FactModelPromotion).values(id=uuid4(), **values))


def lock_decisions(connection: Connection, sport: str) -> None:
    """Wait for the exclusive right to decide over the sport's production models until this transaction ends."""
    row = select(Sport.id).where(Sport.id == derive_id("sport", sport))
    connection.execute(row.with_for_update(key_share=True))  # other tables may go on naming the sport


def await_decisions(connection: Connection, sport: str) -> datetime | None:
    """Wait for a decision over the sport that is under way; return when the latest that took effect was decided.

    Until this transaction ends none is taken.
    """
    sport_id, fact = derive_id("sport", sport), FactModelPromotion
    connection.execute(select(Sport.id).where(Sport.id == sport_id).with_for_update(read=True))
    took_effect = or_(fact.action != "promote", fact.verdict == "PROMOTE")
    return connection.scalar(select(func.max(fact.decided_at)).where(fact.sport_id == sport_id, took_effect))


def decisions(
    connection: Connection, sport: str | None = None, bet_type: BetType | None = None
) -> list[StoredDecision]:
    """Return the decisions, newest first."""
    fact = FactModelPromotion
    name = MlModel.performance_metrics["name"].astext
    statement = (
        select(
            *(column for column in fact.__table__.c if column.name != "actor"),
            func.coalesce(User.email, fact.actor).label("actor"),  # a user is kept by id
            Sport.code.label("sport"),
            func.coalesce(name, MlModel.framework).label("model"),
        )
        .join(Sport, Sport.id == fact.sport_id)
        .outerjoin(User, cast(User.id, String) == fact.actor)
        .join(MlModel, MlModel.id == fact.model_id)
        .order_by(fact.decided_at.desc(), fact.id)
    )
    if sport is not None:
        statement = statement.where(Sport.code == sport)
    if bet_type is not None:
        statement = statement.where(fact.bet_type == bet_type)
    return [_decision(dict(row)) for row in connection.execute(statement).mappings()]


def _decision(row: Mapping[str, Any]) -> StoredDecision:
    plain = {name: row[name] for name in StoredDecision.__dataclass_fields__}
    return StoredDecision(**{**plain, "bet_type": BetType(row["bet_type"])})


def live_predictions(connection: Connection, model_id: UUID) -> tuple[datetime | None, int]:
    """Return when the model's first live prediction was decided, and how many there are."""
    fact, run = FactPrediction, FactPredictionRun
    statement = select(func.min(fact.as_of), func.count()).join(run, run.id == fact.run_id)
    first, count = connection.execute(statement.where(fact.model_id == model_id, run.mode == RunMode.LIVE)).one()
    return first, int(count)


def latest_live(connection: Connection, model_ids: Sequence[UUID]) -> UUID | None:
    """Return which of these models published live last, or None."""
    fact, run = FactPrediction, FactPredictionRun
    statement = select(fact.model_id).join(run, run.id == fact.run_id)
    statement = statement.where(fact.model_id.in_(model_ids), run.mode == RunMode.LIVE).order_by(fact.seq.desc())
    return connection.scalar(statement.limit(1))
