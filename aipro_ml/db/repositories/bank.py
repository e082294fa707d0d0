"""Bankrolls and the money that moves in them; whoever moves some holds the bankroll's row until the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, Select, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql

from aipro_ml.db.models.betting import Bankroll, BankrollTransaction, Bet
from aipro_ml.db.models.users import User
from aipro_ml.enums import TransactionType

_NONE = Decimal("0.00")
_BANK: Select[*tuple[Any, ...]] = select(*Bankroll.__table__.c, User.email).join(User, User.id == Bankroll.user_id)
_BANK_OF = _BANK.where(Bankroll.user_id == bindparam("user"))


@dataclass(frozen=True)
class StoredBank:
    """A row of `bankrolls` with its owner's address; `moved_at` is the time of the last movement."""

    id: UUID
    user_id: UUID
    email: str
    initial: Decimal
    current: Decimal
    peak: Decimal
    low: Decimal
    currency: str
    opened_at: datetime
    moved_at: datetime


def open_bank(connection: Connection, values: dict[str, Any]) -> bool:
    """Store a bankroll (columns of `bankrolls`); False where the user has one already."""
    statement = postgresql.insert(Bankroll).values(values).on_conflict_do_nothing()
    return connection.scalar(statement.returning(Bankroll.id)) is not None


def bank_of(connection: Connection, user_id: UUID) -> StoredBank | None:
    """Return the user's bankroll, or None."""
    row = connection.execute(_BANK_OF, {"user": user_id}).mappings().one_or_none()
    return None if row is None else _bank(row)


def lock_bank(connection: Connection, user_id: UUID) -> StoredBank | None:
    """Return the user's bankroll once no other transaction moves money in it; none will until this one ends.

    What is read after this call is what the transactions waited for left behind (READ COMMITTED).
    """
    row = connection.execute(_BANK_OF.with_for_update(of=Bankroll), {"user": user_id}).mappings().one_or_none()
    return None if row is None else _bank(row)


def list_banks(connection: Connection, user_id: UUID | None = None) -> list[StoredBank]:
    """Return every bankroll (of the user, or of all) by its owner's address."""
    only = _BANK if user_id is None else _BANK.where(Bankroll.user_id == user_id)
    return [_bank(row) for row in connection.execute(only.order_by(User.email)).mappings()]


def move(connection: Connection, transaction: dict[str, Any], *, peak: Decimal, low: Decimal) -> None:
    """Append a transaction (columns of `bankroll_transactions`) and bring its bankroll to the balance after it."""
    connection.execute(insert(BankrollTransaction).values(transaction))
    held = {"current_amount": transaction["balance_after"], "peak_amount": peak, "low_amount": low}
    moved = update(Bankroll).where(Bankroll.id == transaction["bankroll_id"])
    connection.execute(moved.values(**held, updated_at=transaction["created_at"]))


def movements(connection: Connection, bank_id: UUID) -> list[dict[str, Any]]:
    """Return type, amount, balance_after, bet_id and created_at of every transaction in the order of its time."""
    row = BankrollTransaction
    statement = select(row.type, row.amount, row.balance_after, row.bet_id, row.created_at)
    found = connection.execute(statement.where(row.bankroll_id == bank_id).order_by(row.created_at, row.id))
    return [{**each, "type": TransactionType(each["type"])} for each in found.mappings()]


def drop_notes(connection: Connection, user_id: UUID) -> int:
    """Forget what people noted on payments of the user's bankroll; return how many notes there were.

    The words of bets and corrections are the platform's own and name nobody.
    """
    row, kinds = BankrollTransaction, (TransactionType.DEPOSIT, TransactionType.WITHDRAWAL)
    of = select(Bankroll.id).where(Bankroll.user_id == user_id).scalar_subquery()
    noted = update(row).where(row.bankroll_id == of, row.type.in_(kinds), row.description.is_not(None))
    return len(connection.scalars(noted.values(description=None).returning(row.id)).all())


def list_transactions(connection: Connection, bank_id: UUID, limit: int) -> list[dict[str, Any]]:
    """Return the latest transactions of the bankroll, the last one last."""
    row = BankrollTransaction
    statement = select(row.created_at, row.type, row.amount, row.balance_after, row.bet_id, row.description)
    latest = statement.where(row.bankroll_id == bank_id).order_by(row.created_at.desc(), row.id).limit(limit)
    return [dict(each) for each in connection.execute(latest).mappings()][::-1]


def totals(connection: Connection, bank_id: UUID) -> tuple[Decimal, Decimal]:
    """Return what was paid into the bankroll and what was taken out of it, both positive."""
    found = connection.execute(_TOTALS, {"bank": bank_id}).one()
    return found[0], -found[1]


def _totals() -> Select[*tuple[Any, ...]]:
    row = BankrollTransaction
    kinds = (TransactionType.DEPOSIT, TransactionType.WITHDRAWAL)
    sums = [func.coalesce(func.sum(row.amount).filter(row.type == kind), _NONE) for kind in kinds]
    return select(*sums).where(row.bankroll_id == bindparam("bank"))


_TOTALS = _totals()


def paid_back(connection: Connection, bank_id: UUID, bets: Sequence[UUID]) -> dict[UUID, Decimal]:
    """Return what each of these bets of the bankroll was paid back so far, corrections included; 0 is left out."""
    row = BankrollTransaction
    paid = select(row.bet_id, func.sum(row.amount).label("paid")).where(
        row.bankroll_id == bank_id, row.bet_id.in_(bets), row.type != TransactionType.BET
    )
    return {each.bet_id: each.paid for each in connection.execute(paid.group_by(row.bet_id)) if each.paid != 0}


def debts(connection: Connection, bank_id: UUID) -> list[tuple[UUID, Decimal]]:
    """Return (bet, what it was paid more than its result is due), oldest bet first."""
    return [(bet.id, bet.debt) for bet in connection.execute(_DEBTS, {"bank": bank_id})]


def _debts() -> Select[*tuple[Any, ...]]:
    row = BankrollTransaction
    paid = select(row.bet_id, func.sum(row.amount).label("paid")).where(
        row.bankroll_id == bindparam("bank"), row.bet_id.is_not(None), row.type != TransactionType.BET
    )
    each = paid.group_by(row.bet_id).subquery()
    # an open bet has no profit, and no payment is due for it
    due = func.coalesce(Bet.stake + Bet.profit_loss, _NONE)
    statement = select(Bet.id, (each.c.paid - due).label("debt")).join(each, each.c.bet_id == Bet.id)
    return statement.where(each.c.paid > due).order_by(Bet.placed_at, Bet.id)


_DEBTS = _debts()


def _bank(row: RowMapping) -> StoredBank:
    held = row["current_amount"]
    # both are nullable in the schema; a bankroll of ours always has them
    peak = held if row["peak_amount"] is None else row["peak_amount"]
    low = held if row["low_amount"] is None else row["low_amount"]
    return StoredBank(
        id=row["id"],
        user_id=row["user_id"],
        email=row["email"],
        initial=row["initial_amount"],
        current=held,
        peak=peak,
        low=low,
        currency=row["currency"],
        opened_at=row["created_at"],
        moved_at=row["updated_at"] or row["created_at"],
    )
