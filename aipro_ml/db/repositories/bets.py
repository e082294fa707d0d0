"""Bets: what a prediction offers, what was placed on it, and how it stands by the grade of now."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    bindparam,
    cast,
    exists,
    func,
    insert,
    select,
    update,
)

from aipro_ml.db.copy import read_frame
from aipro_ml.db.models.betting import BankrollTransaction, Bet
from aipro_ml.db.models.feature_store import GameRevision
from aipro_ml.db.models.odds import Sportsbook
from aipro_ml.db.models.predictions import Prediction, PredictionResult
from aipro_ml.db.models.sports import Game, Sport
from aipro_ml.db.models.users import User
from aipro_ml.db.models.warehouse import FactPrediction
from aipro_ml.db.repositories.game_columns import NAME, with_teams
from aipro_ml.enums import BetResult, BetType, GameStatus, Selection, Tier, TransactionType

_RESULT = func.coalesce(Bet.result, BetResult.PENDING)
_MOVED = exists().where(GameRevision.game_id == Game.id, GameRevision.game_date != Game.game_date)
_OFF = Game.status.in_((GameStatus.POSTPONED, GameStatus.CANCELLED))
_IS_OPEN = _RESULT == BetResult.PENDING


@dataclass(frozen=True)
class Offer:
    """A prediction as something to bet on; `kelly` a fraction of bankroll, `push` the probability of a push.

    `moved`: its game was once known to kick off at another time.
    """

    id: UUID
    game_id: UUID
    sport: str
    game: str
    kickoff: datetime
    moved: bool
    status: GameStatus
    bet_type: BetType
    side: Selection
    line: float | None
    odds: int | None
    book: str | None
    probability: float
    edge: float | None
    push: float | None
    kelly: float | None
    tier: Tier


@dataclass(frozen=True)
class OpenBet:
    """A bet that is not settled yet."""

    id: UUID
    prediction_id: UUID
    game_id: UUID
    stake: Decimal
    odds: int


@dataclass(frozen=True)
class StandingBet:
    """A bet as it was settled (`result`, `settled_at`), and the grade of its prediction now, None without one.

    `doubtful`: its game is off, or was once known to kick off at another time: it may be void.
    """

    id: UUID
    user_id: UUID
    email: str
    prediction_id: UUID
    sport: str
    stake: Decimal
    odds: int
    result: BetResult
    settled_at: datetime | None
    grade: BetResult | None
    doubtful: bool


@dataclass(frozen=True)
class BetTotals:
    """Bets of a bankroll: all, the open ones and their stakes, the stakes and the profit of the settled ones."""

    count: int
    open: int
    at_stake: Decimal
    settled_stakes: Decimal
    profit: Decimal


def offers(connection: Connection, reference: str) -> list[Offer]:
    """Return the predictions whose id begins with `reference`, at most two: one is wanted."""
    told = (FactPrediction.push_probability.label("push"), Prediction.kelly_fraction.label("kelly"))
    statement = (
        select(
            Prediction.id,
            Prediction.game_id,
            Sport.code.label("sport"),
            NAME,
            Game.game_date.label("kickoff"),
            _MOVED.label("moved"),
            Game.status,
            Prediction.bet_type,
            Prediction.predicted_side.label("side"),
            Prediction.line_at_prediction.label("line"),
            Prediction.odds_at_prediction.label("odds"),
            Sportsbook.name.label("book"),
            Prediction.probability,
            Prediction.edge,
            *told,
            Prediction.signal_tier.label("tier"),
        )
        .join(FactPrediction, FactPrediction.prediction_id == Prediction.id)
        .outerjoin(Sportsbook, Sportsbook.id == FactPrediction.sportsbook_id)
        .where(_begins(reference))
    )
    return [_offer(dict(row)) for row in connection.execute(_with_game(statement).limit(2)).mappings()]


def book_named(connection: Connection, name: str) -> str:
    """Return the stored name of this sportsbook (any letter case), else `name` as it is."""
    found = connection.scalar(select(Sportsbook.name).where(func.lower(Sportsbook.name) == name.lower()))
    return name if found is None else found


def open_bets(connection: Connection, user_id: UUID) -> list[OpenBet]:
    """Return the user's bets that are not settled."""
    statement = select(Bet.id, Bet.prediction_id, Prediction.game_id, Bet.stake, Bet.odds)
    statement = statement.join(Prediction, Prediction.id == Bet.prediction_id)
    found = connection.execute(statement.where(Bet.user_id == user_id, _IS_OPEN)).mappings()
    return [OpenBet(**row) for row in found]


def place(connection: Connection, values: dict[str, Any]) -> None:
    """Store an open bet (columns of `bets`)."""
    connection.execute(insert(Bet).values(result=BetResult.PENDING, **values))


def settle(
    connection: Connection, bet_id: UUID, result: BetResult, profit: Decimal | None, settled_at: datetime | None
) -> None:
    """Set how a bet ended; a bet that is open again has neither profit nor time."""
    statement = update(Bet).where(Bet.id == bet_id)
    connection.execute(statement.values(result=result, profit_loss=profit, settled_at=settled_at))


def standing(connection: Connection, user_id: UUID | None = None) -> list[StandingBet]:
    """Return bets (of the user, or of all) in the order they were placed."""
    statement = (
        select(
            Bet.id,
            Bet.user_id,
            User.email,
            Bet.prediction_id,
            Sport.code.label("sport"),
            Bet.stake,
            Bet.odds,
            _RESULT.label("result"),
            Bet.settled_at,
            PredictionResult.actual_result.label("grade"),
            (_OFF | _MOVED).label("doubtful"),
        )
        .join(User, User.id == Bet.user_id)
        .join(Prediction, Prediction.id == Bet.prediction_id)
        .join(Game, Game.id == Prediction.game_id)
        .join(Sport, Sport.id == Game.sport_id)
        .outerjoin(PredictionResult, PredictionResult.prediction_id == Bet.prediction_id)
        .order_by(Bet.placed_at, Bet.id)
    )
    if user_id is not None:
        statement = statement.where(Bet.user_id == user_id)
    return [_standing(dict(row)) for row in connection.execute(statement).mappings()]


def wagers(connection: Connection, bank_id: UUID) -> list[dict[str, Any]]:
    """Return id, stake, odds, result and profit of every bet of the bankroll as it was settled."""
    statement = select(Bet.id, Bet.stake, Bet.odds, _RESULT.label("result"), Bet.profit_loss.label("profit"))
    found = connection.execute(statement.where(Bet.bankroll_id == bank_id).order_by(Bet.placed_at, Bet.id))
    return [{**row, "result": BetResult(row["result"])} for row in found.mappings()]


def totals(connection: Connection, bank_id: UUID) -> BetTotals:
    """Return the sums of the bankroll's bets."""
    return BetTotals(*connection.execute(_TOTALS, {"bank": bank_id}).one())


def _totals() -> Select[*tuple[Any, ...]]:
    at_stake, settled = (func.sum(Bet.stake).filter(which) for which in (_IS_OPEN, ~_IS_OPEN))
    sums = [func.coalesce(each, Decimal("0.00")) for each in (at_stake, settled, func.sum(Bet.profit_loss))]
    counts = (func.count(), func.count().filter(_IS_OPEN))
    return select(*counts, *sums).where(Bet.bankroll_id == bindparam("bank"))


_TOTALS = _totals()


def settled(connection: Connection) -> pd.DataFrame:
    """Return every settled bet with its prediction and `held`, the balance its stake was taken from; ids as text."""
    row = BankrollTransaction
    statement = (
        select(
            cast(Bet.id, String).label("bet_id"),
            cast(Bet.prediction_id, String).label("prediction_id"),
            cast(Bet.user_id, String).label("user_id"),
            Sport.code.label("sport"),
            cast(Prediction.game_id, String).label("game_id"),
            cast(Prediction.model_id, String).label("model_id"),
            cast(Sportsbook.id, String).label("sportsbook_id"),
            Bet.bet_type,
            Prediction.predicted_side.label("side"),
            Prediction.line_at_prediction.label("line"),
            Bet.odds,
            Bet.stake,
            (row.balance_after + Bet.stake).label("held"),
            Bet.result,
            Bet.profit_loss.label("profit"),
            Bet.placed_at,
            Bet.settled_at,
        )
        .join(Prediction, Prediction.id == Bet.prediction_id)
        .join(Game, Game.id == Prediction.game_id)
        .join(Sport, Sport.id == Game.sport_id)
        .join(row, (row.bet_id == Bet.id) & (row.type == TransactionType.BET))
        .outerjoin(Sportsbook, Sportsbook.name == Bet.sportsbook)
        .where(~_IS_OPEN)
        .order_by(Bet.placed_at, Bet.id)
    )
    return read_frame(connection, statement)


def list_bets(connection: Connection, user_id: UUID | None, *, open_only: bool, limit: int) -> list[dict[str, Any]]:
    """Return the latest bets (of the user, or of all), the last one last."""
    statement = select(
        Bet.id,
        Bet.placed_at,
        User.email.label("user"),
        NAME,
        Game.game_date.label("kickoff"),
        Bet.bet_type,
        Prediction.predicted_side.label("side"),
        Prediction.line_at_prediction.label("line"),
        Prediction.signal_tier.label("tier"),
        Bet.odds,
        Bet.sportsbook.label("book"),
        Bet.stake,
        _RESULT.label("result"),
        Bet.profit_loss.label("profit"),
    )
    statement = statement.join(User, User.id == Bet.user_id).join(Prediction, Prediction.id == Bet.prediction_id)
    if user_id is not None:
        statement = statement.where(Bet.user_id == user_id)
    if open_only:
        statement = statement.where(_IS_OPEN)
    latest = _with_game(statement).order_by(Bet.placed_at.desc(), Bet.id).limit(limit)
    return [dict(row) for row in connection.execute(latest).mappings()][::-1]


def _begins(reference: str) -> ColumnElement[bool]:
    """Return the condition that a prediction's id is this one, which its index answers, or begins so."""
    try:
        return Prediction.id == UUID(reference)
    except ValueError:
        return cast(Prediction.id, String).startswith(reference.lower(), autoescape=True)


def _with_game(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return with_teams(statement.join(Game, Game.id == Prediction.game_id))


def _offer(row: dict[str, Any]) -> Offer:
    words = {
        "status": GameStatus(row["status"] or GameStatus.SCHEDULED),
        "bet_type": BetType(row["bet_type"]),
        "side": Selection(row["side"]),
        "tier": Tier(row["tier"]),
    }
    return Offer(**{**{each.name: row[each.name] for each in fields(Offer)}, **words})


def _standing(row: dict[str, Any]) -> StandingBet:
    words = {
        "result": BetResult(row["result"]),
        "grade": None if row["grade"] is None else BetResult(row["grade"]),
    }
    return StandingBet(**{**row, **words})
