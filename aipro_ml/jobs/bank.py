"""Bankrolls: open, pay in, take out, show, and prove that every one equals the sum of its movements."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine

from aipro_ml.betting.bank import ZERO, Balance, BankState, Movement, Wager, amount_of, bank_faults, moment_after
from aipro_ml.db.repositories import bank, bets
from aipro_ml.enums import TransactionType
from aipro_ml.errors import GuardError, UsageError, printable
from aipro_ml.identity import derive_id
from aipro_ml.jobs.actors import Actor, known_person, write_down
from aipro_ml.jobs.authority import require_over
from aipro_ml.jobs.database import unit
from aipro_ml.settings import Override
from aipro_ml.times import iso_utc


@dataclass(frozen=True)
class Request:
    """Whose bankroll (`user`: an address), who acts on it, when; `currency`, where given, must be the bankroll's.

    `overrides`: system settings of this act alone.
    """

    user: str
    actor: Actor
    now: datetime
    currency: str | None = None
    dry_run: bool = False
    overrides: Mapping[str, Override] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """A bankroll, what was paid in and taken out, what its bets came to, and what is owed to corrections."""

    bank: bank.StoredBank
    deposited: Decimal
    withdrawn: Decimal
    bets: bets.BetTotals
    owed: Decimal


class Teller:
    """Moves money in one locked bankroll: each movement a row, a moment after the last, with the balance after it."""

    def __init__(self, connection: Connection, stored: bank.StoredBank, now: datetime) -> None:
        self.bank_id, self.user_id = stored.id, stored.user_id
        self.balance = Balance(stored.current, stored.peak, stored.low)
        self.moment = moment_after(stored.moved_at, now)
        self._connection, self._used = connection, False

    def move(
        self, kind: TransactionType, amount: Decimal, description: str | None = None, bet_id: UUID | None = None
    ) -> None:
        """Append a movement of signed `amount`; OverdraftError, with nothing moved, where it is not there."""
        self.balance = self.balance.after(amount)
        if self._used:
            self.moment = moment_after(self.moment, self.moment)
        self._used = True
        row = {
            "id": derive_id("bankroll_transaction", self.bank_id, iso_utc(self.moment)),
            "bankroll_id": self.bank_id,
            "type": kind,
            "amount": amount,
            "balance_after": self.balance.current,
            "description": description,
            "bet_id": bet_id,
            "created_at": self.moment,
        }
        bank.move(self._connection, row, peak=self.balance.peak, low=self.balance.low)

    def collect(self) -> Decimal:
        """Pay what corrections could not take from the bankroll when they came; return what is still owed.

        Only an empty bankroll owes anything, so that nothing can be staked or withdrawn past a debt.
        """
        owed = ZERO
        for bet_id, debt in bank.debts(self._connection, self.bank_id):
            taken = min(debt, self.balance.current)
            if taken > 0:
                self.move(TransactionType.CORRECTION, -taken, "collected of an earlier correction", bet_id)
            owed += debt - taken
        return owed


def open_bank(engine: Engine, request: Request, amount: Decimal | None) -> Summary:
    """Open the user's bankroll with `amount` (None: empty), in `currency` (default USD); UsageError for a second."""
    currency = _currency(request.currency or "USD")
    first = ZERO if amount is None else amount_of(amount)
    with unit(engine, dry_run=request.dry_run) as connection:
        owner = known_person(connection, request.user)
        key = derive_id("bankroll", owner.id)
        row = {
            "id": key,
            "user_id": owner.id,
            "initial_amount": first,
            "current_amount": ZERO,
            "peak_amount": first,
            "low_amount": first,
            "currency": currency,
            "created_at": request.now,
        }
        if not bank.open_bank(connection, row):
            raise UsageError(f"{owner.email} has a bankroll already: see `aipro bank show --user {owner.email}`")
        _, teller = held_bank(connection, request)
        if first:
            teller.move(TransactionType.DEPOSIT, first, "opening")
        told = {"amount": str(first), "currency": currency}
        write_down(connection, request.actor, "bank.open", ("bankrolls", key), told, teller.moment)
        return summary_of(connection, owner.id)


def deposit(engine: Engine, request: Request, amount: Decimal, note: str | None = None) -> Summary:
    """Pay `amount` into the bankroll; what earlier corrections are owed goes off it at once."""
    return _moved(engine, request, TransactionType.DEPOSIT, amount_of(amount), note)


def withdraw(engine: Engine, request: Request, amount: Decimal, note: str | None = None) -> Summary:
    """Take `amount` out of the bankroll; OverdraftError (exit code 3) where it holds less."""
    return _moved(engine, request, TransactionType.WITHDRAWAL, -amount_of(amount), note)


def show(engine: Engine, user: str, limit: int) -> tuple[Summary, list[dict[str, Any]]]:
    """Return the user's bankroll and its latest movements."""
    with engine.connect() as connection:
        owner = known_person(connection, user)
        summary = summary_of(connection, owner.id)
        return summary, bank.list_transactions(connection, summary.bank.id, limit)


def verify(engine: Engine, user: str | None = None) -> tuple[int, list[dict[str, str]]]:
    """Return how many bankrolls there are (of `user`, or of all), and every fault (user, fault); none must be there."""
    faults: list[dict[str, str]] = []
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        banks = bank.list_banks(connection, None if user is None else known_person(connection, user).id)
        for each in banks:
            state = BankState(each.initial, Balance(each.current, each.peak, each.low))
            moved = [Movement(**row) for row in bank.movements(connection, each.id)]
            placed = [Wager(**row) for row in bets.wagers(connection, each.id)]
            faults += [{"user": each.email, "fault": fault} for fault in bank_faults(state, moved, placed)]
    return len(banks), faults


def held_bank(connection: Connection, request: Request) -> tuple[bank.StoredBank, Teller]:
    """Return the user's bankroll, locked until the transaction ends, and the teller that moves money in it.

    UsageError where the user has none, GuardError where the request counts in another currency, ForbiddenError
    where a user acts on a bankroll that is neither theirs nor theirs to administer.
    """
    owner = known_person(connection, request.user)
    require_over(connection, request.actor, owner, "admin:money", own=True)
    stored = bank.lock_bank(connection, owner.id)
    if stored is None:
        raise UsageError(f"{owner.email} has no bankroll: `aipro bank open --user {owner.email} --amount 1000`")
    if request.currency is not None and _currency(request.currency) != stored.currency:
        raise GuardError(f"the bankroll of {owner.email} is in {stored.currency}, not in {_currency(request.currency)}")
    return stored, Teller(connection, stored, request.now)


def _moved(engine: Engine, request: Request, kind: TransactionType, amount: Decimal, note: str | None) -> Summary:
    with unit(engine, dry_run=request.dry_run) as connection:
        stored, teller = held_bank(connection, request)
        known_person(connection, request.user)  # who was erased while this waited has no notes any more
        teller.move(kind, amount, None if note is None else printable(note))
        if amount > 0 and not stored.current:
            teller.collect()
        told = {"amount": str(abs(amount)), "currency": stored.currency, "balance": str(teller.balance.current)}
        write_down(connection, request.actor, _ACTS[kind], ("bankrolls", stored.id), told, teller.moment)
        return summary_of(connection, stored.user_id)


_ACTS = {TransactionType.DEPOSIT: "bank.deposit", TransactionType.WITHDRAWAL: "bank.withdraw"}


def summary_of(connection: Connection, user_id: UUID) -> Summary:
    """Return the user's bankroll with its sums; UsageError where there is none."""
    stored = bank.bank_of(connection, user_id)
    if stored is None:
        raise UsageError("this user has no bankroll: `aipro bank open`")
    return summary(connection, stored)


def summary(connection: Connection, stored: bank.StoredBank) -> Summary:
    """Return this bankroll with its sums."""
    owed = sum((debt for _, debt in bank.debts(connection, stored.id)), ZERO)
    return Summary(stored, *bank.totals(connection, stored.id), bets.totals(connection, stored.id), owed)


def _currency(code: str) -> str:
    cleaned = code.strip().upper()
    if not (len(cleaned) == 3 and cleaned.isascii() and cleaned.isalpha()):
        raise UsageError(f"{code!r} is no currency: give its three letters, such as USD or EUR")
    return cleaned
