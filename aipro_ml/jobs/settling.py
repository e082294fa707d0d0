"""Settlement of bets: paid by the grade of their prediction, and corrected whenever that changes."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection, Engine

from aipro_ml.betting.bank import ZERO, due, payment, profit
from aipro_ml.db.repositories import bank, bets
from aipro_ml.enums import BetResult
from aipro_ml.jobs.actors import Actor, known_person, write_down
from aipro_ml.jobs.bank import Request, Teller, held_bank
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.grading import void_predictions


@dataclass(frozen=True)
class Settlement:
    """A bet whose result changed: from `before` to `result`; `moved` signed, `owed` what could not be taken back."""

    bet_id: UUID
    user: str
    stake: Decimal
    odds: int
    before: BetResult
    result: BetResult
    profit: Decimal | None
    moved: Decimal
    owed: Decimal


@dataclass(frozen=True)
class SettleReport:
    """What changed, in the order it was moved, and how many bets stay open."""

    settlements: tuple[Settlement, ...]
    pending: int


@dataclass(frozen=True)
class _Change:
    """A bet's new result, and what it is due beyond what was paid; `first`: nothing was decided or paid before."""

    bet: bets.StandingBet
    result: BetResult
    owing: Decimal
    first: bool


def settle(
    engine: Engine, actor: Actor, now: datetime, user: str | None = None, *, dry_run: bool = False
) -> SettleReport:
    """Bring every bet (of `user`, or of all) to the grade of its prediction; what is right already is not touched.

    A bet whose prediction is void is refunded, one whose grade was withdrawn is open again. First results pay `win`
    or `refund`, whatever changes later moves a `correction`. One transaction a bankroll.
    """
    with engine.connect() as connection:
        found = bets.standing(connection, None if user is None else known_person(connection, user).id)
        void = _void(connection, found)
    done: list[Settlement] = []
    for email in sorted({bet.email for bet in found if _outcome(bet, void) is not bet.result}):
        with unit(engine, dry_run=dry_run) as connection:
            done += _settle_bank(connection, Request(email, actor, now), void)
    changed = {each.bet_id: each.result for each in done}
    pending = sum(changed.get(bet.id, bet.result) is BetResult.PENDING for bet in found)
    return SettleReport(tuple(done), pending)


def _void(connection: Connection, found: Sequence[bets.StandingBet]) -> set[str]:
    """Return the predictions without a grade that are void: their game is off, or was moved too far."""
    doubtful: dict[str, set[UUID]] = {}
    for bet in found:
        if bet.grade is None and bet.doubtful:
            doubtful.setdefault(bet.sport, set()).add(bet.prediction_id)
    return {each for code, ids in doubtful.items() for each in void_predictions(connection, code, ids)}


def _outcome(bet: bets.StandingBet, void: AbstractSet[str]) -> BetResult:
    """Return how the bet stands now: as its prediction was graded, void, else pending."""
    if bet.grade is not None:
        return bet.grade
    return BetResult.VOID if str(bet.prediction_id) in void else BetResult.PENDING


def _settle_bank(connection: Connection, request: Request, void: AbstractSet[str]) -> list[Settlement]:
    """Settle what changed in one bankroll: what comes in first, so that a correction finds it there."""
    stored, teller = held_bank(connection, request)
    standing = [(bet, _outcome(bet, void)) for bet in bets.standing(connection, stored.user_id)]
    changed = [(bet, result) for bet, result in standing if result is not bet.result]
    paid = bank.paid_back(connection, stored.id, [bet.id for bet, _ in changed])
    changes = [
        _Change(
            bet,
            result,
            owing=due(result, bet.stake, bet.odds) - paid.get(bet.id, ZERO),
            first=bet.settled_at is None and bet.id not in paid,
        )
        for bet, result in changed
    ]
    ordered = sorted(changes, key=lambda change: change.owing < 0)
    done = [_settle_bet(connection, request, teller, change) for change in ordered]
    if not stored.current and teller.balance.current:
        teller.collect()
    return done


def _settle_bet(connection: Connection, request: Request, teller: Teller, change: _Change) -> Settlement:
    bet, result, first = change.bet, change.result, change.first
    is_open = result is BetResult.PENDING
    earned = None if is_open else profit(result, bet.stake, bet.odds)
    bets.settle(connection, bet.id, result, earned, None if is_open else request.now)
    paid = payment(result, change.owing, teller.balance.current, first=first)
    if paid is not None and paid.amount:
        teller.move(paid.type, paid.amount, str(result) if first else f"{bet.result}, now {result}", bet.id)
    moved, owed = (ZERO, ZERO) if paid is None else (paid.amount, paid.owed)
    told = {"before": bet.result, "result": result, "moved": str(moved), "owed": str(owed)}
    action = "bet.settle" if first else "bet.correct"
    write_down(connection, request.actor, action, ("bets", bet.id), told, request.now)
    return Settlement(bet.id, bet.email, bet.stake, bet.odds, bet.result, result, earned, moved, owed)
