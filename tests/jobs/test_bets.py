"""Bets on predictions: what is taken, what is refused, how they are paid and what a new grade corrects."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from aipro_ml.betting.bank import OverdraftError
from aipro_ml.betting.limits import LimitError
from aipro_ml.db.engine import open_database
from aipro_ml.enums import GameStatus
from aipro_ml.errors import GuardError, StaleDataError, UsageError
from aipro_ml.jobs.bank import deposit, show, verify, withdraw
from aipro_ml.jobs.bets import Wish, place
from aipro_ml.jobs.settling import settle
from tests.jobs.bettor import BY, KICKOFF, LATER, NOW, at, bettor
from tests.jobs.slate import BOOK, set_status, store_slate


@pytest.fixture(scope="module")
def engine(server, template, tmp_path_factory):
    """One database for all tests here: each has a user and a slate of its own."""
    with server.database(template) as name:
        opened = open_database(server.settings(tmp_path_factory.mktemp("bets"), name))
        yield opened
        opened.dispose()


@pytest.fixture
def ann(engine, request):
    """A user with a bankroll of 1,000 and six predictions to bet on; limits that were set go at the end."""
    someone = bettor(engine, request.node.name)
    yield someone
    someone.run("DELETE FROM system_settings")


def limit(ann, name, value):
    row = "INSERT INTO system_settings (id, key, value) VALUES (gen_random_uuid(), :key, :value)"
    ann.run(row, key=f"bet.{name}", value=value)


def test_a_bet_takes_its_stake_at_the_prediction_s_price_and_book(ann):
    slip = place(ann.engine, ann.request, Wish(str(ann.slate[0].id)[:18]))
    assert (slip.stake, slip.odds, slip.book, slip.tier) == (Decimal("20.00"), 100, BOOK, "A")  # Kelly 2 % of 1,000
    assert (slip.balance, ann.balance) == (Decimal("980.00"), Decimal("980.00"))
    (row,) = ann.bets
    assert (row["id"], row["game"], row["result"], row["profit"]) == (slip.bet_id, "AWY @ HOM", "pending", None)
    summary, rows = show(ann.engine, ann.request.user, 5)
    assert (summary.bets.open, summary.bets.at_stake) == (1, 20)
    assert rows[-1]["description"] == f"AWY @ HOM: moneyline home at +100, {BOOK}"
    with ann.engine.connect() as connection:
        kept = sa.text("SELECT details FROM audit_logs WHERE resource_id = :bet").bindparams(bet=str(slip.bet_id))
        assert connection.scalar(kept)["stake"] == "20.00"


def test_kelly_counts_open_stakes_as_bankroll_so_that_a_slate_s_order_plays_no_part(ann):
    assert [ann.place(each).stake for each in range(3)] == [20, 20, 20]


def test_a_worse_price_lowers_the_stake_and_a_better_one_leaves_it(ann):
    # full Kelly at p = .58: .16 at +100, .58 - .42/.95238 = .139 at -105; 20 * .139/.16 = 17.375
    assert ann.place(0, odds=-105, book="corner shop").stake == Decimal("17.37")
    assert ann.place(1, odds=120).stake == Decimal("20.00")
    assert [row["book"] for row in ann.bets] == ["corner shop", BOOK]
    assert ann.place(2, odds=100, book=BOOK.upper()).book == BOOK


def test_limits_cut_kelly_and_refuse_an_asked_stake(ann):
    limit(ann, "open_cap", "0.05")
    ann.place(0, "40")
    with pytest.raises(LimitError, match=r"all open bets may take \(5%\): 10\.00 may still be staked"):
        ann.place(1, "10.01")
    assert ann.place(1).stake == Decimal("10.00")
    with pytest.raises(LimitError, match=r"Kelly's stake, within the limits, of 0\.00 is under the least one, 1"):
        ann.place(2)


@pytest.mark.parametrize(
    ("asked", "error", "told"),
    [
        ({"stake": "50.01"}, LimitError, r"one bet may take of the bankroll \(5%\): 50\.00 may still be staked"),
        ({"stake": "0.99"}, LimitError, "under the least one, 1"),
        ({"stake": "5.001"}, UsageError, "no sum of money"),
        ({"stake": "5", "odds": 99}, UsageError, "American odds are at least"),
        ({"stake": "5", "odds": 5_000_000}, UsageError, "American odds are at least"),
        ({"stake": "5", "book": "x"}, UsageError, "--book goes with --odds"),
        ({"stake": "5", "odds": 100, "book": " "}, UsageError, "1 to 100 characters"),
        ({"stake": "5", "odds": -130}, GuardError, "of tier C at -130; bets are placed on A, B only"),
        ({"stake": "5", "odds": -140}, GuardError, "of tier D at -140"),
    ],
)
def test_what_may_not_be_bet_is_refused_and_nothing_is_written(ann, asked, error, told):
    limit(ann, "tiers", "A, B")
    with pytest.raises(error, match=told):
        ann.place(0, **asked)
    assert (ann.balance, ann.bets) == (1000, [])


def test_a_game_takes_a_share_of_the_bankroll_over_all_its_bets(ann):
    ann.place(0, "30")
    with pytest.raises(GuardError, match=r"open already.*--again places another"):
        ann.place(0, "5")
    with pytest.raises(LimitError, match=r"one game may take \(5%\): 20\.00"):
        ann.place(0, "21", again=True)
    ann.place(0, "20", again=True)
    assert ann.balance == 950


def test_a_game_that_began_or_is_off_takes_no_bet(ann):
    for late in (KICKOFF, KICKOFF + timedelta(days=1)):
        with pytest.raises(StaleDataError, match="has begun") as refused:
            at(ann, late).place(0)
        assert refused.value.exit_code == 3
    at(ann, KICKOFF - timedelta(seconds=1)).place(0)
    for status in set(GameStatus) - {GameStatus.SCHEDULED}:
        with ann.engine.begin() as connection:
            set_status(connection, ann.slate[1], status)
        with pytest.raises(StaleDataError, match=f"is {status}"):
            ann.place(1)


def listed(ann, name, **changed):
    with ann.engine.begin() as connection:
        (one,) = store_slate(connection, 1, (NOW, KICKOFF), name, **changed)
    return str(one.id)


def test_a_one_sided_prediction_and_a_disabled_user_do_not_bet(ann):
    one_sided = listed(ann, "one-sided", edge=None, signal_tier="D")
    with pytest.raises(GuardError, match="of tier D"):
        place(ann.engine, ann.request, Wish(one_sided, Decimal(5)))
    unpriced = listed(ann, "unpriced", odds_at_prediction=None, kelly_fraction=None)
    with pytest.raises(UsageError, match="had no price"):
        place(ann.engine, ann.request, Wish(unpriced))
    with pytest.raises(UsageError, match="no Kelly fraction"):
        place(ann.engine, ann.request, Wish(unpriced, odds=100))
    ann.run("UPDATE users SET is_active = FALSE WHERE email = :email", email=ann.request.user)
    with pytest.raises(GuardError, match="is disabled"):
        ann.place(2)


def test_a_prediction_must_be_one(ann):
    with pytest.raises(UsageError, match="no prediction begins with 'zz'"):
        place(ann.engine, ann.request, Wish("zz"))
    with pytest.raises(UsageError, match="more than one prediction begins with ''"):
        place(ann.engine, ann.request, Wish(""))
    with pytest.raises(UsageError, match="no prediction"):
        place(ann.engine, ann.request, Wish("%"))


def test_an_empty_bankroll_takes_no_bet(ann):
    limit(ann, "bet_cap", "1")
    limit(ann, "game_cap", "1")
    ann.place(0, "250")
    withdraw(ann.engine, ann.request, Decimal("749.50"))
    limit(ann, "open_cap", "1")
    with pytest.raises(OverdraftError, match=r"holds 0\.50"):
        ann.place(1, "0.51")
    with pytest.raises(LimitError, match=r"Kelly's stake.*0\.50 is under"):
        ann.place(1)


def test_every_result_pays_what_it_is_due(ann):
    results = ["win", "half_win", "push", "half_loss", "loss"]
    for prediction in range(6):
        ann.place(prediction, "20")
    assert ann.balance == 880
    for number, result in enumerate(results):
        ann.grade(number, result)
    report = ann.settle()
    assert [(each.result, each.profit, each.moved) for each in report.settlements] == [
        ("win", 20, 40), ("half_win", 10, 30), ("push", 0, 20), ("half_loss", -10, 10), ("loss", -20, 0),
    ]  # fmt: skip
    assert report.pending == 1
    assert ann.balance == 980
    assert ann.moved[7:] == [("win", 40), ("win", 30), ("refund", 20), ("refund", 10)]
    summary = ann.summary
    assert (summary.bets.open, summary.bets.settled_stakes, summary.bets.profit) == (1, 100, 0)


def test_a_postponed_game_refunds_its_bets(ann):
    ann.place(0, "20")
    with ann.engine.begin() as connection:
        set_status(connection, ann.slate[0], GameStatus.POSTPONED)
    (only,) = ann.settle().settlements
    assert (only.result, only.profit, ann.balance) == ("void", 0, 1000)
    assert ann.moved[-1] == ("refund", 20)


def test_settling_again_writes_nothing(ann):
    ann.place(0, "20")
    ann.grade(0, "win")
    assert len(ann.settle().settlements) == 1
    before = ann.everything()
    again = ann.settle()
    assert (again.settlements, again.pending) == ((), 0)
    assert ann.everything() == before


def test_a_dry_run_settles_nothing(ann):
    ann.place(0, "20")
    ann.grade(0, "win")
    before = ann.everything()
    assert ann.settle(dry_run=True).settlements[0].moved == 40
    dry = replace(ann.request, dry_run=True)
    assert place(ann.engine, dry, ann.wish(1, "20")).balance == 960
    assert ann.everything() == before


def test_a_regrade_moves_the_difference_as_a_correction(ann):
    ann.place(0, "20")
    for result, held, movement in [
        ("win", 1020, ("win", 40)),
        ("loss", 980, ("correction", -40)),
        ("push", 1000, ("correction", 20)),
        ("half_loss", 990, ("correction", -10)),
        (None, 980, ("correction", -10)),  # the grade was withdrawn: the bet is open again, its stake still placed
        ("win", 1020, ("win", 40)),
    ]:
        ann.grade(0, result)
        ann.settle()
        assert ann.balance == held
        assert ann.moved[-1] == movement
        (row,) = ann.bets
        assert row["result"] == ("pending" if result is None else result)
    with ann.engine.connect() as connection:
        acts = sa.text("SELECT action FROM audit_logs WHERE resource_id = :bet").bindparams(bet=str(row["id"]))
        assert sorted(connection.scalars(acts)) == ["bet.correct"] * 4 + ["bet.place"] + ["bet.settle"] * 2


def test_a_loss_that_became_a_win_is_corrected_too(ann):
    ann.place(0, "20")
    ann.grade(0, "loss")
    ann.settle()
    ann.grade(0, "win")
    ann.settle()
    assert (ann.moved[-1], ann.balance) == (("correction", 40), 1020)


def test_a_correction_takes_what_is_there_and_the_next_money_pays_the_rest(ann):
    for prediction in range(2):
        ann.place(prediction, "20")
    ann.grade(0, "win")
    ann.settle()
    withdraw(ann.engine, ann.request, Decimal("990"))
    ann.grade(0, "loss")
    (only,) = ann.settle().settlements
    assert (only.moved, only.owed, ann.balance) == (-10, 30, 0)
    assert ann.summary.owed == 30
    with pytest.raises(OverdraftError):
        withdraw(ann.engine, ann.request, Decimal("0.01"))
    assert deposit(ann.engine, ann.request, Decimal("25")).owed == 5
    assert (ann.balance, ann.moved[-2:]) == (0, [("deposit", 25), ("correction", -25)])
    ann.grade(1, "push")
    ann.settle()
    assert ann.moved[-2:] == [("refund", 20), ("correction", -5)]
    assert (ann.balance, ann.summary.owed) == (15, 0)


def test_a_win_of_the_same_night_pays_for_a_correction(ann):
    for prediction in range(2):
        ann.place(prediction, "20")
    ann.grade(0, "win")
    ann.settle()
    withdraw(ann.engine, ann.request, Decimal("1000"))
    ann.grade(0, "loss")
    ann.grade(1, "win")
    report = ann.settle()
    assert [(each.moved, each.owed) for each in report.settlements] == [(40, 0), (-40, 0)]
    assert ann.balance == 0


def test_only_the_named_user_s_bets_are_settled(ann):
    bob = bettor(ann.engine, "bob", Decimal(500))
    bob.slate = ann.slate
    for each in (ann, bob):
        each.place(0)
    ann.grade(0, "win")
    assert [each.user for each in bob.settle().settlements] == [bob.request.user]
    # whoever is left, and nobody twice
    assert ann.request.user in {each.user for each in settle(ann.engine, BY, LATER).settlements}
    assert settle(ann.engine, BY, LATER).settlements == ()
    assert [row["stake"] for row in bob.bets] == [10]
    assert verify(ann.engine)[1] == []


def test_a_game_moved_far_refunds_its_bets_and_takes_no_more(ann):
    ann.place(0, "20")
    ann.run(
        "INSERT INTO game_revisions "
        "(id, game_id, revision, source, source_game_id, game_date, status, known_at, created_at) "
        "SELECT gen_random_uuid(), id, 1, 'tests', id::text, game_date, status, created_at, created_at "
        "FROM games WHERE id = :id",
        id=ann.slate[0].game_id,
    )
    ann.run("UPDATE games SET game_date = game_date + interval '10 days' WHERE id = :id", id=ann.slate[0].game_id)
    with pytest.raises(StaleDataError, match="moved so far that the prediction is void"):
        ann.place(0, "5", again=True)
    (only,) = ann.settle().settlements
    assert (only.result, only.moved, ann.balance) == ("void", 20, 1000)
