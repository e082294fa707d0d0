"""People at once: who is erased, disabled or logs out while something else of theirs is under way."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from aipro_ml.db.repositories import sessions as stored_sessions
from aipro_ml.errors import UsageError
from aipro_ml.jobs import bank, erasing
from aipro_ml.jobs.accounts import Change, disable
from aipro_ml.jobs.bank import deposit
from aipro_ml.jobs.sessions import logout
from tests.at_once import halt, overtaken
from tests.jobs.bettor import NOW, bettor
from tests.jobs.people import ROOT, add_member, signed_in


def test_who_logs_out_while_the_account_is_disabled_does_both(engine, database_settings, monkeypatch):
    add_member(engine, "ann@example.org")
    tokens = signed_in(engine, database_settings, "ann@example.org")
    now = NOW + timedelta(days=365)
    ended = overtaken(
        engine,
        halt(monkeypatch, stored_sessions, "end_session"),
        lambda: logout(engine, tokens.access, now),
        lambda: disable(engine, Change("ann@example.org", ROOT, now)),
    )
    assert [each.exception() for each in ended] == [None, None]
    assert not ended[1].result().is_active
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM sessions")) == 0


def test_a_note_on_a_payment_under_way_is_erased_with_its_owner(engine, monkeypatch):
    someone = bettor(engine, "ann", Decimal(100))
    paid, erased = overtaken(
        engine,
        halt(monkeypatch, bank, "write_down"),
        lambda: deposit(engine, someone.request, Decimal(5), "from Ann's aunt"),
        lambda: erasing.erase(engine, Change(someone.request.user, ROOT, NOW)),
    )
    assert (paid.exception(), erased.exception()) == (None, None)
    with engine.connect() as connection:
        told = connection.scalars(sa.text("SELECT description FROM bankroll_transactions WHERE amount = 5")).all()
    assert list(told) == [None]
    assert erased.result().balance == 105


@pytest.mark.parametrize("act", ["bet", "deposit"])
def test_nothing_is_staked_or_paid_for_somebody_who_is_erased_meanwhile(engine, monkeypatch, act):
    someone = bettor(engine, "ben", Decimal(100))
    acts = {
        "bet": lambda: someone.place(0, "5"),
        "deposit": lambda: deposit(engine, someone.request, Decimal(5), "from Ben's aunt"),
    }
    erased, refused = overtaken(
        engine,
        halt(monkeypatch, erasing, "write_down"),
        lambda: erasing.erase(engine, Change(someone.request.user, ROOT, NOW)),
        acts[act],
    )
    assert erased.exception() is None
    assert isinstance(refused.exception(), UsageError)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM bets")) == 0
        assert connection.scalar(sa.text("SELECT sum(amount) FROM bankroll_transactions")) == 100
