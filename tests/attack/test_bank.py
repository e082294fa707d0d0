"""Money under attack: random sequences on two connections at once, overspending races, settling over and over."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import ClassVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from aipro_ml.betting.bank import CENT, ZERO, OverdraftError, due
from aipro_ml.betting.limits import LimitError
from aipro_ml.db.engine import open_database
from aipro_ml.enums import BetResult
from aipro_ml.errors import AiproError
from aipro_ml.jobs.bank import deposit, open_bank, verify, withdraw
from tests.jobs.bettor import NOW, Bettor, bettor
from tests.jobs.slate import KELLY
from tests.soak import size

SEQUENCES = size(60, 250)
PARTS = size(1, 40)
"""Each part has a seed and a database of its own: in one database rows that are gone would slow what comes later."""

LONGEST = size(10, 12)


@pytest.fixture
def engine(server, template, tmp_path):
    """A database of the test's own, without limits but the balance, for two connections and a third that looks on."""
    with server.database(template) as name:
        opened = open_database(server.settings(tmp_path, name))
        opened.pool._pre_ping = False  # a fifth of all that is asked here, and the server does not go away
        row = "INSERT INTO system_settings (id, key, value) VALUES (gen_random_uuid(), :key, :value)"
        free = {"bet.bet_cap": "1", "bet.game_cap": "1", "bet.open_cap": "1", "bet.minimum": "0.01"}
        with opened.begin() as connection:
            for key, value in free.items():
                connection.execute(sa.text(row), {"key": key, "value": value})
        yield opened
        opened.dispose()


@dataclass
class Books:
    """What a bankroll should be: `net` is the sum of all that was put in, staked and is due, as if it could be owed."""

    net: Decimal
    bets: list[tuple[int, Decimal, int, BetResult]] = field(default_factory=list)
    grades: dict[int, BetResult] = field(default_factory=dict)

    @property
    def held(self) -> Decimal:
        """Return the balance: corrections may owe, but never below zero."""
        return max(ZERO, self.net)

    def deposit(self, amount: Decimal) -> str:
        self.net += amount
        return "done"

    def withdraw(self, amount: Decimal) -> str:
        if amount > self.held:
            return "OverdraftError"
        self.net -= amount
        return "done"

    def place(self, number: int, stake: Decimal | None, odds: int) -> str:
        open_stakes = sum((bet[1] for bet in self.bets if bet[3] is BetResult.PENDING), ZERO)
        if stake is None:
            whole = self.held + open_stakes
            stake = min((Decimal(str(KELLY)) * whole).quantize(CENT, ROUND_DOWN), self.held)
            if stake < CENT:
                return "LimitError"
        if stake > self.held:
            return "OverdraftError"
        self.net -= stake
        self.bets.append((number, stake, odds, BetResult.PENDING))
        return "done"

    def grade(self, number: int, result: BetResult | None) -> str:
        self.grades[number] = result or BetResult.PENDING
        return "done"

    def settle(self) -> str:
        for place, (number, stake, odds, before) in enumerate(self.bets):
            result = self.grades.get(number, BetResult.PENDING)
            self.net += due(result, stake, odds) - due(before, stake, odds)
            self.bets[place] = (number, stake, odds, result)
        return "done"

    @property
    def shown(self) -> tuple:
        """Return what the database is held against."""
        bets = Counter((stake, odds, result) for _, stake, odds, result in self.bets)
        return (
            self.held,
            max(ZERO, -self.net),
            bets,
            {n: r for n, r in self.grades.items() if r is not BetResult.PENDING},
        )


TABLES = """
    WITH bet AS (
        SELECT stake, odds, result, CASE WHEN result = 'pending' THEN 0 ELSE stake + profit_loss END AS due,
               (SELECT coalesce(sum(amount), 0) FROM bankroll_transactions t
                WHERE t.bet_id = bets.id AND type <> 'bet') AS paid
        FROM bets
    ), moved AS (
        SELECT balance_after, sum(amount) OVER (ORDER BY created_at) AS held FROM bankroll_transactions
    )
    SELECT current_amount,
           (SELECT coalesce(sum(greatest(0, paid - due)), 0) FROM bet),
           (SELECT json_agg(json_build_array(stake::text, odds, result)) FROM bet),
           (SELECT json_agg(json_build_array(prediction_id, actual_result)) FROM prediction_results),
           (SELECT bool_and(balance_after = held AND held >= 0) FROM moved)
           AND current_amount = (SELECT sum(amount) FROM bankroll_transactions)
           AND (peak_amount, low_amount) = (SELECT max(balance_after), min(balance_after) FROM moved)
    FROM bankrolls
"""

MONEY = st.integers(1, 15_000).map(lambda cents: Decimal(cents) * CENT)
GAME = st.integers(0, 2)
RESULTS = [each for each in BetResult if each is not BetResult.PENDING]
BET = st.tuples(
    st.just("place"), GAME, st.one_of(MONEY, MONEY, st.none()), st.sampled_from([100, -110, -125, 130, 157])
)
GRADE = st.tuples(st.just("grade"), GAME, st.one_of(st.sampled_from(RESULTS), st.none()))
ACTS = st.one_of(
    BET,
    BET,
    GRADE,
    GRADE,
    st.tuples(st.just("settle")),
    st.tuples(st.just("deposit"), MONEY),
    st.tuples(st.just("withdraw"), MONEY),
)


def done(someone: Bettor, act: tuple) -> str:
    """Do it in the database; return "done" or the name of the refusal."""
    kind, *rest = act
    acts: dict[str, Callable] = {
        "deposit": lambda amount: deposit(someone.engine, someone.request, amount),
        "withdraw": lambda amount: withdraw(someone.engine, someone.request, amount),
        "place": lambda number, stake, odds: someone.place(
            number, stake, odds=None if stake is None else odds, again=True
        ),
        "grade": someone.grade,
        "settle": someone.settle,
    }
    try:
        acts[kind](*rest)
    except (OverdraftError, LimitError) as refusal:
        return type(refusal).__name__
    return "done"


def expected(books: Books, acts: tuple[tuple, ...]) -> tuple[Books, list[str]]:
    """Return the books after these acts in this order, and how each ended."""
    books = deepcopy(books)
    told = []
    for kind, *rest in acts:
        if kind == "place" and rest[1] is None:
            rest[2] = 100  # Kelly at the prediction's own price
        told.append(getattr(books, kind)(*rest))
    return books, told


class Sequences(RuleBasedStateMachine):
    """Every run is a bankroll opened anew, acted on by one or two connections at a time."""

    someone: ClassVar[Bettor]
    hands: ClassVar[ThreadPoolExecutor]
    onlooker: ClassVar[sa.Connection]
    told: ClassVar[Counter]

    def __init__(self) -> None:
        super().__init__()
        self.someone.forget()
        open_bank(self.someone.engine, self.someone.request, Decimal(100))
        self.books = Books(Decimal(100))

    @rule(act=ACTS)
    def alone(self, act: tuple) -> None:
        self.books, (told,) = expected(self.books, (act,))
        assert done(self.someone, act) == told

    @rule(first=ACTS, second=ACTS)
    def together(self, first: tuple, second: tuple) -> None:
        start = threading.Barrier(2)
        begun = [self.hands.submit(begin_at, start, self.someone, act) for act in (first, second)]
        told = [each.result(60) for each in begun]
        seen = self.seen()
        forth, back = expected(self.books, (first, second)), expected(self.books, (second, first))
        possible = [forth, (back[0], back[1][::-1])]
        found = [books for books, said in possible if said == told and books.shown == seen]
        assert found, f"{told} {seen}, but {[(said, books.shown) for books, said in possible]}"
        self.books = found[0]
        self.told["by two at once"] += 1
        self.told["in one order only" if len(found) == 1 else "in either order"] += 1
        self.told["second before first"] += found[0] is back[0]

    @rule()  # always to be chosen: whether there are bets may hang on which of two came first, and draws may not
    def settled_again(self) -> None:
        self.alone(("settle",))
        before = self.someone.everything()
        assert done(self.someone, ("settle",)) == "done"
        assert self.someone.everything() == before

    def seen(self) -> tuple:
        """Return what the tables say, by no code but theirs: the chain of balances must hold after every step."""
        held, owed, bets, grades, sound = self.onlooker.execute(sa.text(TABLES)).one()
        assert sound
        numbers = {str(each.id): number for number, each in enumerate(self.someone.slate)}
        return (
            held,
            owed,
            Counter((Decimal(stake), odds, BetResult(result)) for stake, odds, result in bets or ()),
            {numbers[key]: BetResult(result) for key, result in grades or ()},
        )

    @invariant()
    def the_database_says_what_the_books_say(self) -> None:
        assert self.seen() == self.books.shown
        self.told["steps"] += 1

    def teardown(self) -> None:
        assert verify(self.someone.engine) == (1, [])  # the whole chain, each balance of it
        self.told["sequences"] += 1


def begin_at(start: threading.Barrier, someone: Bettor, act: tuple) -> str:
    start.wait()
    return done(someone, act)


@pytest.mark.parametrize("part", range(PARTS))
def test_random_sequences_on_two_connections_keep_every_invariant(engine, part):
    runs = settings(
        max_examples=SEQUENCES,
        stateful_step_count=LONGEST,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),  # each step is a few commits: to look for a shorter sequence takes many minutes
    )
    someone = bettor(engine, "ann", count=3)
    someone.settles_at = NOW  # grades come at any time here; bets must go on being placed before kick-off
    told: Counter[str] = Counter()
    with ThreadPoolExecutor(2) as hands, engine.connect() as connection:
        onlooker = connection.execution_options(isolation_level="AUTOCOMMIT")
        given = {"someone": someone, "hands": hands, "onlooker": onlooker, "told": told}
        run_state_machine_as_test(seed(part)(type("SequencesOfAnn", (Sequences,), given)), settings=runs)
    print(f"seed {part}: {dict(told)}")
    assert told["sequences"] >= SEQUENCES
    assert told["by two at once"] > SEQUENCES


def at_once(count_: int, act: Callable[[int], object]) -> list[str]:
    """Do `act` from so many threads started together; return how each ended."""
    start = threading.Barrier(count_)

    def begin(number: int) -> str:
        start.wait()
        try:
            act(number)
        except AiproError as refusal:
            return type(refusal).__name__
        return "done"

    with ThreadPoolExecutor(count_) as hands:
        return list(hands.map(begin, range(count_)))


@pytest.mark.parametrize("attempt", range(size(1, 20)))
def test_a_hundred_bets_at_once_never_spend_more_than_is_there(engine, attempt):
    someone = bettor(engine, f"race-{attempt}", Decimal(100))
    ended = at_once(100, lambda number: someone.place(number % 6, "7.00", again=True))
    # fourteen bets of 7.00 fit into 100.00
    assert Counter(ended) == {"done": 14, "OverdraftError": 86}
    assert (someone.balance, len(someone.bets)) == (2, 14)


def test_two_who_open_a_bankroll_at_once_open_one(engine):
    someone = bettor(engine, "opening", Decimal(100))
    someone.forget()
    ended = at_once(8, lambda _: open_bank(engine, someone.request, Decimal(50)))
    assert Counter(ended) == {"done": 1, "UsageError": 7}
    assert someone.balance == 50


def test_settling_from_many_sides_pays_once(engine):
    someone = bettor(engine, "settling", Decimal(100))
    for number in range(6):
        someone.place(number, "10")
        someone.grade(number, "win")
    assert set(at_once(8, lambda _: someone.settle())) == {"done"}
    assert [kind for kind, _ in someone.moved].count("win") == 6
    assert someone.balance == 160
    for number in range(6):
        someone.grade(number, "loss")
    assert set(at_once(8, lambda _: someone.settle())) == {"done"}
    assert [kind for kind, _ in someone.moved].count("correction") == 6
    assert someone.balance == 40
    assert verify(engine)[1] == []
