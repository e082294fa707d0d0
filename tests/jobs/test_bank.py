"""Bankrolls in the database: what goes in and out, who did it, and what is refused."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from aipro_ml.betting.bank import OverdraftError
from aipro_ml.db.engine import open_database
from aipro_ml.errors import GuardError, UsageError
from aipro_ml.jobs.actors import Actor
from aipro_ml.jobs.bank import Request, deposit, open_bank, show, verify, withdraw
from tests.jobs.bettor import BY, NOW
from tests.jobs.people import add_user


@pytest.fixture(scope="module")
def engine(server, template, tmp_path_factory):
    """One database for all tests here: each has a user of its own."""
    with server.database(template) as name:
        opened = open_database(server.settings(tmp_path_factory.mktemp("bank"), name))
        yield opened
        opened.dispose()


@pytest.fixture
def ann(engine, request):
    """The request of a user without a bankroll."""
    asked = Request(f"{request.node.name}@example.com", BY, NOW)
    with engine.begin() as connection:
        add_user(connection, asked.user, NOW)
    return asked


def counts(engine):
    with engine.connect() as connection:
        names = ("bankrolls", "bankroll_transactions", "audit_logs")
        return [connection.scalar(sa.text(f"SELECT count(*) FROM {name}")) for name in names]


def faults(engine, request):
    return [each["fault"] for each in verify(engine, request.user)[1]]


def test_a_bankroll_is_the_sum_of_what_went_in_and_out(engine, ann):
    open_bank(engine, replace(ann, currency="eur"), Decimal("1000"))
    withdraw(engine, ann, Decimal("250.50"))
    summary = deposit(engine, ann, Decimal("99.95"), "winter\x00 bonus")
    assert summary.bank.currency == "EUR"
    held = summary.bank
    assert [str(each) for each in (held.current, held.peak, held.low)] == ["849.45", "1000.00", "749.50"]
    assert (summary.bank.initial, summary.deposited, summary.withdrawn) == (1000, Decimal("1099.95"), Decimal("250.50"))
    _, rows = show(engine, ann.user, 10)
    told = [(row["type"], str(row["amount"]), str(row["balance_after"]), row["description"]) for row in rows]
    assert told == [
        ("deposit", "1000.00", "1000.00", "opening"),
        ("withdrawal", "-250.50", "749.50", None),
        ("deposit", "99.95", "849.45", "winter\ufffd bonus"),
    ]
    assert len({row["created_at"] for row in rows}) == 3
    assert faults(engine, ann) == []


def test_every_act_is_written_down_with_who_did_it(engine, ann):
    open_bank(engine, ann, None)
    stored = show(engine, ann.user, 1)[0].bank
    deposit(engine, replace(ann, actor=Actor(stored.user_id, ip="192.0.2.7")), Decimal("5"))
    with engine.connect() as connection:
        kept = sa.text("SELECT * FROM audit_logs WHERE resource_id = :bank ORDER BY created_at")
        rows = connection.execute(kept, {"bank": str(stored.id)}).mappings().all()
    assert [(row["action"], row["user_id"]) for row in rows] == [("bank.open", None), ("bank.deposit", stored.user_id)]
    assert rows[0]["details"] == {"amount": "0.00", "currency": "USD", "login": "tests"}
    assert rows[1]["details"] == {"amount": "5.00", "currency": "USD", "balance": "5.00"}


def test_more_than_is_there_cannot_be_taken_out_and_nothing_is_written(engine, ann):
    open_bank(engine, ann, Decimal("100"))
    before = counts(engine)
    with pytest.raises(OverdraftError, match=r"holds 100\.00, 100\.01 is more"):
        withdraw(engine, ann, Decimal("100.01"))
    assert counts(engine) == before
    assert withdraw(engine, ann, Decimal("100")).bank.low == 0


def test_a_dry_run_writes_nothing(engine, ann):
    before = counts(engine)
    assert open_bank(engine, replace(ann, dry_run=True), Decimal("100")).bank.current == 100
    assert counts(engine) == before


@pytest.mark.parametrize(
    ("act", "error", "told"),
    [
        (lambda engine, ann: open_bank(engine, ann, Decimal(5)), UsageError, "has a bankroll already"),
        (lambda engine, ann: open_bank(engine, replace(ann, user="bob@example.com"), None), UsageError, "no user"),
        (lambda engine, ann: open_bank(engine, replace(ann, currency="dollar"), None), UsageError, "is no currency"),
        (
            lambda engine, ann: deposit(engine, replace(ann, currency="EUR"), Decimal(5)),
            GuardError,
            "is in USD, not in EUR",
        ),
        (lambda engine, ann: deposit(engine, ann, Decimal("0.001")), UsageError, "no sum of money"),
        (lambda engine, ann: withdraw(engine, ann, Decimal("-5")), UsageError, "no sum of money"),
        (lambda engine, ann: show(engine, "bob@example.com", 5), UsageError, "no user"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(engine, ann, act, error, told):
    open_bank(engine, ann, Decimal("100"))
    before = counts(engine)
    with pytest.raises(error, match=told):
        act(engine, ann)
    assert counts(engine) == before


def test_without_a_bankroll_one_is_told_how_to_open_it(engine, ann):
    for act in (lambda: deposit(engine, ann, Decimal(5)), lambda: show(engine, ann.user, 5)):
        with pytest.raises(UsageError, match="aipro bank open"):
            act()


def test_movements_keep_their_order_although_the_clock_goes_back(engine, ann):
    open_bank(engine, ann, Decimal("100"))
    for number in range(3):
        deposit(engine, replace(ann, now=NOW - timedelta(hours=number)), Decimal(1))
    _, rows = show(engine, ann.user, 10)
    assert [row["balance_after"] for row in rows] == [100, 101, 102, 103]
    assert [row["balance_after"] for row in show(engine, ann.user, 2)[1]] == [102, 103]


def test_verify_finds_what_was_changed_by_hand(engine, ann):
    open_bank(engine, ann, Decimal("100"))
    withdraw(engine, ann, Decimal("40"))
    stored = {"bank": show(engine, ann.user, 1)[0].bank.id}
    for statement, told in [
        ("UPDATE bankrolls SET current_amount = current_amount + 1 WHERE id = :bank", "current amount is 61.00"),
        ("UPDATE bankrolls SET current_amount = current_amount - 1, peak_amount = 1 WHERE id = :bank", "peak is 1.00"),
        (
            "UPDATE bankroll_transactions SET amount = -50 WHERE amount < 0 AND bankroll_id = :bank",
            "balance after it is",
        ),
        ("DELETE FROM bankroll_transactions WHERE amount < 0 AND bankroll_id = :bank", "its movements say 100.00"),
    ]:
        with engine.begin() as connection:
            connection.execute(sa.text(statement), stored)
        assert any(told in fault for fault in faults(engine, ann)), told
