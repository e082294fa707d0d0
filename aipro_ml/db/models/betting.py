"""Betting: bankrolls, bets and the money that moves; nothing here is deleted with what it refers to."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from aipro_ml.db.base import (
    Base,
    Char3,
    Money10,
    Money12,
    UuidKey,
    Varchar10,
    Varchar20,
    Varchar100,
    american,
    one_of,
    references,
)
from aipro_ml.enums import BetResult, BetType, TransactionType


class Bankroll(Base):
    """A user's bankroll."""

    __tablename__ = "bankrolls"

    id: Mapped[UuidKey]
    user_id: Mapped[UUID | None] = references("users.id", unique=True)
    initial_amount: Mapped[Money12]
    current_amount: Mapped[Money12]
    peak_amount: Mapped[Money12 | None]
    low_amount: Mapped[Money12 | None]
    currency: Mapped[Char3 | None] = mapped_column(server_default=text("'USD'"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime | None]


class Bet(Base):
    """A bet a user placed."""

    __tablename__ = "bets"
    __table_args__ = (
        one_of("bet_type", BetType),
        one_of("result", BetResult),
        american("odds"),
        Index("idx_bets_user_id", "user_id"),
        Index("idx_bets_placed_at", "placed_at"),
        Index("idx_bets_result", "result"),
    )

    id: Mapped[UuidKey]
    user_id: Mapped[UUID | None] = references("users.id")
    prediction_id: Mapped[UUID | None] = references("predictions.id")
    bankroll_id: Mapped[UUID | None] = references("bankrolls.id")
    stake: Mapped[Money10]
    odds: Mapped[int]
    bet_type: Mapped[Varchar20]
    sportsbook: Mapped[Varchar100 | None]
    placed_at: Mapped[datetime]
    result: Mapped[Varchar10 | None]
    profit_loss: Mapped[Money10 | None]
    settled_at: Mapped[datetime | None]


class BankrollTransaction(Base):
    """A movement of money and the balance after it."""

    __tablename__ = "bankroll_transactions"
    __table_args__ = (one_of("type", TransactionType),)

    id: Mapped[UuidKey]
    bankroll_id: Mapped[UUID | None] = references("bankrolls.id")
    type: Mapped[Varchar20]
    amount: Mapped[Money10]
    balance_after: Mapped[Money12]
    description: Mapped[str | None]
    bet_id: Mapped[UUID | None] = references("bets.id")
    created_at: Mapped[datetime]
