"""What the read API tells a user of their own bankroll and bets, each on a connection that only reads."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from aipro_ml.db.repositories import bank, published_money
from aipro_ml.db.repositories.published_money import Place
from aipro_ml.jobs.bank import Summary, summary

__all__ = ["Place"]


def bankroll(connection: Connection, user_id: UUID) -> Summary | None:
    """Return the user's bankroll with what its bets came to, or None where there is none."""
    stored = bank.bank_of(connection, user_id)
    return None if stored is None else summary(connection, stored)


def movements_page(
    connection: Connection, user_id: UUID, before: Place | None, limit: int
) -> list[dict[str, Any]] | None:
    """Return at most `limit` movements of the user's bankroll before `before`, newest first; None without one."""
    stored = bank.bank_of(connection, user_id)
    return None if stored is None else published_money.movements_before(connection, stored.id, before, limit)


def bets_page(
    connection: Connection, user_id: UUID, before: Place | None, limit: int, *, open_only: bool
) -> list[dict[str, Any]]:
    """Return at most `limit` bets of the user before `before`, newest first."""
    return published_money.bets_before(connection, user_id, before, limit, open_only=open_only)


def bet(connection: Connection, user_id: UUID, bet_id: UUID) -> dict[str, Any] | None:
    """Return a bet of this user, or None."""
    return published_money.own_bet(connection, user_id, bet_id)
