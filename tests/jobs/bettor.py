"""A user with a bankroll and a slate to bet on, each by a name of its own, so that tests can share a database."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

import sqlalchemy as sa

from aipro_ml.enums import BetResult
from aipro_ml.jobs.actors import Actor
from aipro_ml.jobs.bank import Request, Summary, open_bank, show, verify
from aipro_ml.jobs.bets import Slip, Wish, list_bets, place
from aipro_ml.jobs.settling import SettleReport, settle
from tests.jobs.people import add_user
from tests.jobs.slate import Listed, set_grade, store_slate

NOW = datetime(2025, 12, 24, 12, tzinfo=UTC)
KICKOFF = datetime(2025, 12, 28, 18, tzinfo=UTC)
LATER = datetime(2025, 12, 29, 12, tzinfo=UTC)
BY = Actor(login="tests")


@dataclass
class Bettor:
    """Acts for one user on the predictions of `slate`."""

    engine: sa.Engine
    request: Request
    slate: list[Listed]
    settles_at: datetime = LATER

    def wish(self, number: int, stake: str | None = None, **more: object) -> Wish:
        """Return the wish for a bet on a prediction of the slate."""
        return Wish(str(self.slate[number].id), None if stake is None else Decimal(stake), **more)

    def place(self, number: int, stake: str | None = None, **more: object) -> Slip:
        """Place it."""
        return place(self.engine, self.request, self.wish(number, stake, **more))

    def grade(self, number: int, result: str | None) -> None:
        """Grade a prediction so, or withdraw its grade."""
        with self.engine.begin() as connection:
            set_grade(connection, self.slate[number], None if result is None else BetResult(result), LATER)

    def settle(self, **more: object) -> SettleReport:
        """Settle the user's bets."""
        return settle(self.engine, BY, self.settles_at, self.request.user, **more)

    def run(self, statement: str, **values: object) -> None:
        """Run a statement with the application's rights."""
        with self.engine.begin() as connection:
            connection.execute(sa.text(statement), values)

    @property
    def summary(self) -> Summary:
        """Return the bankroll, whose faults are none."""
        assert verify(self.engine, self.request.user) == (1, [])
        return show(self.engine, self.request.user, 1)[0]

    @property
    def balance(self) -> Decimal:
        """Return what the bankroll holds."""
        return self.summary.bank.current

    @property
    def moved(self) -> list[tuple[str, Decimal]]:
        """Return (type, amount) of every movement."""
        return [(row["type"], row["amount"]) for row in show(self.engine, self.request.user, 1000)[1]]

    @property
    def bets(self) -> list[dict]:
        """Return the user's bets."""
        return list_bets(self.engine, self.request.user, 1000)

    def forget(self) -> None:
        """Take the user's money and the grades of the slate away; only the acts remain."""
        email, ids = {"email": self.request.user}, {"ids": [each.id for each in self.slate]}
        with self.engine.begin() as connection:
            for table in ("bankroll_transactions", "bets", "bankrolls"):
                connection.execute(sa.text(f"DELETE FROM {table} WHERE {_OF[table]}"), email)
            connection.execute(sa.text("DELETE FROM prediction_results WHERE prediction_id = ANY(:ids)"), ids)

    def everything(self) -> list[sa.Row]:
        """Return every row of the user's money with the transaction that wrote it, and how many acts there are.

        A write changes it: acts are only ever added, the application may do nothing else to them.
        """
        with self.engine.connect() as connection:
            return list(connection.execute(sa.text(_ROWS), {"email": self.request.user}))


_BANK = "(SELECT id FROM bankrolls WHERE user_id = (SELECT id FROM users WHERE email = :email))"
_OF = {
    "bankroll_transactions": f"bankroll_id = {_BANK}",
    "bets": f"bankroll_id = {_BANK}",
    "bankrolls": f"id = {_BANK}",
}
_MONEY = [
    f"(SELECT xmin::text, each::text FROM {table} each WHERE {which} ORDER BY id)" for table, which in _OF.items()
]
_ROWS = " UNION ALL ".join([*_MONEY, "SELECT 'acts', count(*)::text FROM audit_logs"])


def bettor(engine: sa.Engine, name: str, amount: Decimal = Decimal(1000), count: int = 6) -> Bettor:
    """Return a user of this name with a bankroll of `amount` and `count` predictions to bet on."""
    request = Request(f"{name}@example.com", BY, NOW)
    with engine.begin() as connection:
        add_user(connection, request.user, NOW)
        slate = store_slate(connection, count, (NOW, KICKOFF), name)
    open_bank(engine, request, amount)
    return Bettor(engine, request, slate)


def at(someone: Bettor, now: datetime) -> Bettor:
    """Return the same user at another time."""
    return replace(someone, request=replace(someone.request, now=now))
