"""Money of a bankroll, exact to the cent: what a bet pays back, the balance after each movement, what must hold.

A bankroll's balance is the sum of its signed movements: deposits and what bets pay back are positive, withdrawals
and stakes negative, corrections either. A lost bet moves nothing: its stake went when it was placed.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from math import floor
from uuid import UUID

from aipro_ml.enums import BetResult, TransactionType
from aipro_ml.errors import GuardError, UsageError

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
LARGEST_AMOUNT = Decimal("99999999.99")
"""The most one movement or stake may be: NUMERIC(10, 2)."""

LARGEST_BALANCE = Decimal("9999999999.99")
"""The most a bankroll may hold: NUMERIC(12, 2)."""

_SHARE_OF_PROFIT = {BetResult.WIN: Fraction(1), BetResult.HALF_WIN: Fraction(1, 2)}
_SHARE_OF_STAKE = {BetResult.LOSS: Fraction(-1), BetResult.HALF_LOSS: Fraction(-1, 2)}
_POSITIVE = {TransactionType.DEPOSIT, TransactionType.WIN, TransactionType.REFUND}
_NEGATIVE = {TransactionType.WITHDRAWAL, TransactionType.BET}


class OverdraftError(GuardError):
    """A movement would take a bankroll below zero."""


def cents(value: Fraction) -> Decimal:
    """Return `value` rounded to the cent, halves away from zero, as PostgreSQL rounds a NUMERIC."""
    count = floor(abs(value) * 100 + Fraction(1, 2))
    return (Decimal(count if value >= 0 else -count) * CENT).quantize(CENT)


def amount_of(value: Decimal | str | int, what: str = "amount") -> Decimal:
    """Return a positive amount in whole cents, at most LARGEST_AMOUNT; UsageError for any other, never rounded."""
    text = str(value).strip()
    whole, _, part = text.partition(".")
    if not (text.isascii() and whole.isdigit() and (part.isdigit() or "." not in text) and len(part) <= 2):
        raise UsageError(f"{what} {text[:40]!r} is no sum of money: write it as 250 or 250.50, two decimals at most")
    amount = Decimal(text).quantize(CENT) if len(whole) <= 20 else LARGEST_BALANCE
    if not ZERO < amount <= LARGEST_AMOUNT:
        raise UsageError(f"{what} {text[:40]}: it must be more than 0 and at most {LARGEST_AMOUNT}")
    return amount


def profit_at(odds: int) -> Fraction:
    """Return the profit of one unit staked and won at American `odds`, exactly."""
    return Fraction(odds, 100) if odds > 0 else Fraction(100, -odds)


def profit(result: BetResult, stake: Decimal, odds: int) -> Decimal:
    """Return what a settled bet won or lost, to the cent; 0 for a push, a void and a bet still open.

    Half results win or lose half of it: half the stake was refunded, the other half won or lost.
    """
    won = _SHARE_OF_PROFIT.get(result, Fraction(0)) * profit_at(odds)
    return cents(Fraction(stake) * (won + _SHARE_OF_STAKE.get(result, Fraction(0))))


def due(result: BetResult, stake: Decimal, odds: int) -> Decimal:
    """Return what a bet of this result pays back, its stake included; nothing while it is pending."""
    return ZERO if result is BetResult.PENDING else stake + profit(result, stake, odds)


def kelly_stake(fraction: float, bankroll: Decimal) -> Decimal:
    """Return this fraction of the bankroll (six decimals, as stored), rounded down to the cent."""
    return (Decimal(f"{fraction:.6f}") * bankroll).quantize(CENT, ROUND_DOWN)


@dataclass(frozen=True)
class Balance:
    """What a bankroll holds, and the most and the least it ever held."""

    current: Decimal
    peak: Decimal
    low: Decimal

    @classmethod
    def opened(cls, amount: Decimal) -> "Balance":
        """Return the balance of a bankroll opened with `amount`."""
        return cls(amount, amount, amount)

    def after(self, amount: Decimal) -> "Balance":
        """Return the balance after a movement of signed `amount`.

        OverdraftError below zero, UsageError above LARGEST_BALANCE.
        """
        current = self.current + amount
        if current < 0:
            raise OverdraftError(f"the bankroll holds {self.current}, {-amount} is more: nothing was moved")
        if current > LARGEST_BALANCE:
            raise UsageError(f"a bankroll holds at most {LARGEST_BALANCE}: {amount} more is too much")
        return Balance(current, max(self.peak, current), min(self.low, current))


@dataclass(frozen=True)
class Payment:
    """What settling a bet moves: `amount` signed; `owed` is what a correction could not take back yet."""

    type: TransactionType
    amount: Decimal
    owed: Decimal = ZERO


def payment(result: BetResult, owing: Decimal, held: Decimal, *, first: bool) -> Payment | None:
    """Return the movement that pays `owing` (due less what was paid back already), None where nothing moves.

    `first`: nothing was ever decided or paid of this bet; everything later is a correction. A correction takes at
    most the balance `held`: the rest stays owed, and is collected from whatever comes in next.
    """
    if owing == 0:
        return None
    if owing < 0:
        taken = min(-owing, held)
        return Payment(TransactionType.CORRECTION, -taken, -owing - taken)
    if not first:
        return Payment(TransactionType.CORRECTION, owing)
    is_win = result in _SHARE_OF_PROFIT
    return Payment(TransactionType.WIN if is_win else TransactionType.REFUND, owing)


def moment_after(last: datetime, now: datetime) -> datetime:
    """Return `now`, or just after `last`: the order of a bankroll's movements in time is the order they happened in."""
    return max(now, last + timedelta(microseconds=1))


@dataclass(frozen=True)
class BankState:
    """A bankroll as stored."""

    initial: Decimal
    balance: Balance


@dataclass(frozen=True)
class Movement:
    """A transaction as stored; `amount` signed."""

    type: TransactionType
    amount: Decimal
    balance_after: Decimal
    bet_id: UUID | None
    created_at: datetime


@dataclass(frozen=True)
class Wager:
    """A bet as stored; `profit` None while it is open."""

    id: UUID
    stake: Decimal
    odds: int
    result: BetResult
    profit: Decimal | None


def bank_faults(bank: BankState, movements: Sequence[Movement], wagers: Sequence[Wager]) -> list[str]:
    """Return what does not hold in a bankroll, in words; `movements` in the order of their time.

    Balances chain, sum to the current amount and never were below zero; peak and low are the most and least of them;
    each bet took its stake once and was paid what its result is due, or owes the rest of an empty bankroll.
    """
    return [*_chain_faults(bank, movements), *_bet_faults(bank, movements, wagers)]


def _chain_faults(bank: BankState, movements: Sequence[Movement]) -> list[str]:
    faults = []
    balance = Balance.opened(bank.initial)
    current = ZERO
    for number, each in enumerate(movements, start=1):
        current += each.amount
        if each.balance_after != current:
            faults.append(f"movement {number}: balance after it is {each.balance_after}, the sum so far {current}")
        if current < 0:
            faults.append(f"movement {number}: the balance fell to {current}")
        if not _is_signed(each):
            faults.append(f"movement {number}: a {each.type} of {each.amount}")
        balance = replace(balance, peak=max(balance.peak, current), low=min(balance.low, current))
    opening = movements[0].amount if movements and bank.initial > 0 else ZERO
    told = {
        "initial amount": (bank.initial, opening),
        "current amount": (bank.balance.current, current),
        "peak": (bank.balance.peak, balance.peak),
        "low": (bank.balance.low, balance.low),
    }
    faults += [
        f"{name} is {stored}, its movements say {true}" for name, (stored, true) in told.items() if stored != true
    ]
    at_once = len(movements) - len({each.created_at for each in movements})
    return [*faults, *([f"{at_once} movements share a moment: their order is lost"] if at_once else [])]


def _is_signed(each: Movement) -> bool:
    if each.type in _POSITIVE:
        return each.amount > 0
    return each.amount < 0 if each.type in _NEGATIVE else each.amount != 0


def _bet_faults(bank: BankState, movements: Sequence[Movement], wagers: Sequence[Wager]) -> list[str]:
    faults = []
    of_bet: dict[UUID | None, list[Movement]] = defaultdict(list)
    for each in movements:
        of_bet[each.bet_id].append(each)
    for wager in wagers:
        own = of_bet[wager.id]
        named = f"bet {str(wager.id)[:8]}"
        if [each.amount for each in own if each.type is TransactionType.BET] != [-wager.stake]:
            faults.append(f"{named}: its stake {wager.stake} was not taken exactly once")
        right = None if wager.result is BetResult.PENDING else profit(wager.result, wager.stake, wager.odds)
        if wager.profit != right:
            faults.append(f"{named}: profit {wager.profit}, its {wager.result} at {wager.odds:+d} gives {right}")
        paid = sum((each.amount for each in own if each.type is not TransactionType.BET), ZERO)
        owing = due(wager.result, wager.stake, wager.odds) - paid
        if owing > 0 or (owing < 0 and bank.balance.current > 0):
            faults.append(f"{named}: it was paid {paid}, {paid + owing} was due")
    strange = of_bet.keys() - {wager.id for wager in wagers} - {None}
    return [*faults, *([f"movements name {len(strange)} bets that are not its own"] if strange else [])]
