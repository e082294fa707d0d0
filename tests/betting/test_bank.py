"""Money to the cent, and the faults of a bankroll that was tampered with."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aipro_ml.betting.bank import (
    LARGEST_AMOUNT,
    LARGEST_BALANCE,
    Balance,
    BankState,
    Movement,
    OverdraftError,
    Wager,
    amount_of,
    bank_faults,
    cents,
    due,
    kelly_stake,
    moment_after,
    payment,
    profit,
)
from aipro_ml.betting.settlement import profit_per_unit
from aipro_ml.enums import BetResult, TransactionType
from aipro_ml.errors import UsageError

NOW = datetime(2025, 12, 24, 12, tzinfo=UTC)
BET = UUID(int=7)
PRICES = st.one_of(st.integers(100, 20_000), st.integers(-20_000, -100))
STAKES = st.decimals("0.01", "99999.99", places=2)


@pytest.mark.parametrize(
    ("result", "stake", "odds", "earned"),
    [
        ("win", "110.00", -110, "100.00"),
        ("win", "100.00", -110, "90.91"),  # 90.909…
        ("win", "10.00", 250, "25.00"),
        ("win", "0.01", -250, "0.00"),  # .004
        ("win", "0.01", -200, "0.01"),  # half a cent rounds away from zero
        ("half_win", "100.00", -110, "45.45"),  # 45.4545…
        ("half_win", "50.00", 105, "26.25"),
        ("loss", "33.33", 150, "-33.33"),
        ("half_loss", "33.33", 150, "-16.67"),
        ("push", "33.33", 150, "0.00"),
        ("void", "33.33", 150, "0.00"),
        ("pending", "33.33", 150, "0.00"),
    ],
)
def test_a_bet_earns_what_was_worked_out_by_hand(result, stake, odds, earned):
    assert str(profit(BetResult(result), Decimal(stake), odds)) == earned


@pytest.mark.parametrize(
    ("result", "back"),
    [("win", "190.91"), ("half_win", "145.45"), ("push", "100.00"), ("void", "100.00"), ("half_loss", "50.00"),
     ("loss", "0.00"), ("pending", "0.00")],
)  # fmt: skip
def test_a_bet_is_paid_back_its_stake_and_what_it_earned(result, back):
    assert str(due(BetResult(result), Decimal("100.00"), -110)) == back


@given(st.sampled_from([each for each in BetResult if each is not BetResult.PENDING]), STAKES, PRICES)
def test_profit_is_the_grade_s_profit_a_unit_times_the_stake_within_half_a_cent(result, stake, odds):
    earned = profit(result, stake, odds)
    assert earned.as_tuple().exponent == -2
    assert abs(float(earned) - float(stake) * float(profit_per_unit(result, odds))) <= 0.005 + 1e-6 * float(stake)
    assert -stake <= earned
    assert due(result, stake, odds) >= 0


@given(st.fractions(-1000, 1000))
def test_cents_are_the_nearest_ones_and_halves_go_away_from_zero(value):
    near = cents(value)
    assert abs(Fraction(near) - value) <= Fraction(1, 200)
    if abs(Fraction(near) - value) == Fraction(1, 200):
        assert abs(Fraction(near)) > abs(value)


@pytest.mark.parametrize("text", ["250", "250.5", "250.50", " 250.50 ", "0.01", "99999999.99", Decimal("3.10")])
def test_a_sum_of_money_is_read_to_the_cent(text):
    amount = amount_of(text)
    assert amount == Decimal(str(text).strip())
    assert amount.as_tuple().exponent == -2


@pytest.mark.parametrize(
    "text",
    ["0", "0.00", "-5", "+5", "1.005", "1,000", "1e3", "NaN", "Infinity", "", ".", "5.", ".5", "٣", "100000000", "$5",
     "9" * 60, Decimal("0.001"), Decimal("-1"), Decimal("NaN")],
)  # fmt: skip
def test_what_is_no_sum_of_money_is_refused_and_never_rounded(text):
    with pytest.raises(UsageError):
        amount_of(text)


def test_kelly_stakes_are_rounded_down():
    assert kelly_stake(0.019999, Decimal("1000.00")) == Decimal("19.99")
    assert kelly_stake(0.02, Decimal("999.99")) == Decimal("19.99")
    assert kelly_stake(0.0, Decimal("999.99")) == 0


def test_a_balance_remembers_its_peak_and_low_and_never_falls_below_zero():
    balance = Balance.opened(Decimal(100)).after(Decimal(-60)).after(Decimal(200)).after(Decimal(-1))
    assert balance == Balance(Decimal(239), Decimal(240), Decimal(40))
    assert balance.after(Decimal(-239)).low == 0
    with pytest.raises(OverdraftError, match=r"holds 239, 239\.01 is more"):
        balance.after(Decimal("-239.01"))
    with pytest.raises(UsageError, match="at most"):
        balance.after(LARGEST_BALANCE)


@pytest.mark.parametrize(
    ("result", "owing", "held", "first", "paid"),
    [
        ("win", "190.91", "0", True, ("win", "190.91", "0.00")),
        ("half_win", "145.45", "0", True, ("win", "145.45", "0.00")),
        ("push", "100.00", "0", True, ("refund", "100.00", "0.00")),
        ("half_loss", "50.00", "0", True, ("refund", "50.00", "0.00")),
        ("win", "190.91", "0", False, ("correction", "190.91", "0.00")),
        ("loss", "-190.91", "500.00", False, ("correction", "-190.91", "0.00")),
        ("loss", "-190.91", "90.91", False, ("correction", "-90.91", "100.00")),
        ("loss", "-190.91", "0", False, ("correction", "0.00", "190.91")),
    ],
)
def test_a_payment_is_first_a_win_or_refund_and_later_a_correction(result, owing, held, first, paid):
    kind, amount, owed = paid
    found = payment(BetResult(result), Decimal(owing), Decimal(held), first=first)
    assert (found.type, found.amount, found.owed) == (TransactionType(kind), Decimal(amount), Decimal(owed))


def test_a_lost_bet_moves_nothing():
    assert payment(BetResult.LOSS, Decimal("0.00"), Decimal(5), first=True) is None


def test_movements_of_one_moment_follow_each_other():
    assert moment_after(NOW, NOW) == NOW + timedelta(microseconds=1)
    assert moment_after(NOW + timedelta(hours=1), NOW) == NOW + timedelta(hours=1, microseconds=1)
    assert moment_after(NOW, NOW + timedelta(hours=1)) == NOW + timedelta(hours=1)


def history():
    """Return a bankroll of 100 that staked 40 at +150, won 60, and was paid 30 out."""
    steps = [("deposit", 100, 100), ("bet", -40, 60), ("win", 100, 160), ("withdrawal", -30, 130)]
    movements = [
        Movement(TransactionType(kind), Decimal(amount), Decimal(after), BET if kind in {"bet", "win"} else None,
                 NOW + timedelta(minutes=number))
        for number, (kind, amount, after) in enumerate(steps)
    ]  # fmt: skip
    bank = BankState(Decimal(100), Balance(Decimal(130), Decimal(160), Decimal(60)))
    return bank, movements, [Wager(BET, Decimal(40), 150, BetResult.WIN, Decimal(60))]


def test_a_true_history_has_no_faults():
    assert bank_faults(*history()) == []
    assert bank_faults(BankState(Decimal(0), Balance.opened(Decimal(0))), [], []) == []


def _with(index, **changed):
    def change(bank, movements, wagers):
        movements[index] = replace(movements[index], **changed)
        return bank, movements, wagers

    return change


def _of_bank(**changed):
    return lambda bank, movements, wagers: (replace(bank, balance=replace(bank.balance, **changed)), movements, wagers)


def _of_bet(**changed):
    return lambda bank, movements, wagers: (bank, movements, [replace(wagers[0], **changed)])


@pytest.mark.parametrize(
    ("tampered", "told"),
    [
        (_with(2, amount=Decimal(110)), "movement 3: balance after it is 160"),
        (_with(2, balance_after=Decimal(161)), "movement 3: balance after it is 161"),
        (_with(1, type=TransactionType.DEPOSIT), "movement 2: a deposit of -40"),
        (_with(0, amount=Decimal(30)), "the balance fell to -10"),
        (_with(3, created_at=NOW), "1 movements share a moment"),
        (_with(2, bet_id=UUID(int=8)), "bets that are not its own"),
        (
            lambda bank, movements, wagers: (bank, movements[:-1], wagers),
            "current amount is 130, its movements say 160",
        ),
        (lambda bank, movements, wagers: (bank, movements, []), "bets that are not its own"),
        (
            lambda bank, movements, wagers: (replace(bank, initial=Decimal(90)), movements, wagers),
            "initial amount is 90",
        ),
        (_of_bank(current=Decimal(131)), "current amount is 131"),
        (_of_bank(peak=Decimal(170)), "peak is 170"),
        (_of_bank(low=Decimal(0)), "low is 0"),
        (_of_bet(stake=Decimal(41)), "its stake 41 was not taken exactly once"),
        (_of_bet(profit=Decimal(61)), r"profit 61, its win at \+150 gives 60.00"),
        (_of_bet(result=BetResult.LOSS, profit=Decimal(-40)), "it was paid 100.00, 0.00 was due"),
        (_of_bet(result=BetResult.PENDING), "gives None"),
    ],
)
def test_every_tampering_is_found(tampered, told):
    faults = bank_faults(*tampered(*history()))
    assert any(re.search(told, fault) for fault in faults), faults


def test_only_an_empty_bankroll_may_owe():
    bank, movements, _ = history()
    lost = [Wager(BET, Decimal(40), 150, BetResult.LOSS, Decimal(-40))]
    emptied = [
        *movements,
        Movement(TransactionType.CORRECTION, Decimal(-90), Decimal(40), BET, NOW + timedelta(hours=1)),
    ]
    still = BankState(bank.initial, Balance(Decimal(40), Decimal(160), Decimal(40)))
    assert bank_faults(still, emptied, lost) == ["bet 00000000: it was paid 10.00, 0.00 was due"]
    gone = [*emptied, Movement(TransactionType.WITHDRAWAL, Decimal(-40), Decimal(0), None, NOW + timedelta(hours=2))]
    assert bank_faults(BankState(bank.initial, Balance(Decimal(0), Decimal(160), Decimal(0))), gone, lost) == []


def test_the_largest_amount_is_what_the_column_holds():
    assert amount_of(str(LARGEST_AMOUNT)) == LARGEST_AMOUNT
