"""A user's own bets and movements of money for whom reads them from outside: a page at a time, newest first."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, func, select, tuple_

from aipro_ml.db.models.betting import BankrollTransaction, Bet
from aipro_ml.db.models.predictions import Prediction
from aipro_ml.db.models.sports import Game, Sport
from aipro_ml.db.repositories.game_columns import GAME, with_teams
from aipro_ml.enums import BetResult

_RESULT = func.coalesce(Bet.result, BetResult.PENDING)
Place = tuple[datetime, UUID]
"""Where a page ended: the time and the id of its last row."""


def movements_before(connection: Connection, bank_id: UUID, before: Place | None, limit: int) -> list[dict[str, Any]]:
    """Return at most `limit` movements of the bankroll before `before` (None: the latest), newest first."""
    row = BankrollTransaction
    statement = select(row.id, row.created_at, row.type, row.amount, row.balance_after, row.bet_id, row.description)
    statement = statement.where(row.bankroll_id == bank_id).order_by(row.created_at.desc(), row.id.desc())
    if before is not None:
        statement = statement.where(tuple_(row.created_at, row.id) < before)
    return [dict(each) for each in connection.execute(statement.limit(limit)).mappings()]


def bets_before(
    connection: Connection, user_id: UUID, before: Place | None, limit: int, *, open_only: bool = False
) -> list[dict[str, Any]]:
    """Return at most `limit` bets of the user before `before` (None: the latest), newest first."""
    statement = _bets(user_id).order_by(Bet.placed_at.desc(), Bet.id.desc())
    if open_only:
        statement = statement.where(_RESULT == BetResult.PENDING)
    if before is not None:
        statement = statement.where(tuple_(Bet.placed_at, Bet.id) < before)
    return [dict(each) for each in connection.execute(statement.limit(limit)).mappings()]


def own_bet(connection: Connection, user_id: UUID, bet_id: UUID) -> dict[str, Any] | None:
    """Return a bet of this user, or None."""
    row = connection.execute(_bets(user_id).where(Bet.id == bet_id)).mappings().one_or_none()
    return None if row is None else dict(row)


def _bets(user_id: UUID) -> Select[*tuple[Any, ...]]:
    columns = (
        Bet.id,
        Bet.placed_at,
        Bet.prediction_id,
        Sport.code.label("sport"),
        Prediction.game_id,
        *GAME,
        Bet.bet_type,
        Prediction.predicted_side.label("side"),
        Prediction.line_at_prediction.label("line"),
        Prediction.signal_tier.label("tier"),
        Bet.odds,
        Bet.sportsbook.label("book"),
        Bet.stake,
        _RESULT.label("result"),
        Bet.profit_loss.label("profit"),
        Bet.settled_at,
    )
    bets = select(*columns).join(Prediction, Prediction.id == Bet.prediction_id)
    return with_teams(bets.join(Game, Game.id == Prediction.game_id)).where(Bet.user_id == user_id)
