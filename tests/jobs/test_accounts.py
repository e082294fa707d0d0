"""Accounts: who may act on whom, the last super_admin stays, what a person sets, and how one is erased."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier

import pytest
import sqlalchemy as sa

from aipro_ml.accounts import passwords
from aipro_ml.db.models.betting import BankrollTransaction
from aipro_ml.db.models.users import AuditLog, User
from aipro_ml.enums import UserRole
from aipro_ml.errors import AccessError, ForbiddenError, GuardError, UsageError
from aipro_ml.jobs import accounts
from aipro_ml.jobs.accounts import Change, NewUser
from aipro_ml.jobs.actors import Actor, acting
from aipro_ml.jobs.authority import require
from aipro_ml.jobs.bank import Request, deposit, open_bank, show, verify
from aipro_ml.jobs.erasing import erase
from aipro_ml.jobs.keys import KeyWish, add_key, key_caller, list_keys, revoke_key
from aipro_ml.jobs.sessions import session_caller
from tests.jobs.people import HERE, NOW, PASSWORD, ROOT, add_member, signed_in

USER, PRO, ADMIN, SUPER = UserRole


@pytest.fixture(autouse=True)
def _cheap(monkeypatch):
    monkeypatch.setattr(passwords, "ROUNDS", 4)


@pytest.fixture
def people(engine):
    """One user of each role: address to id."""
    return {f"{role}@example.com": add_member(engine, f"{role}@example.com", role) for role in UserRole}


def change(email, actor=ROOT):
    return Change(f"{email}@example.com", actor, NOW)


def by(people, role):
    return Actor(people[f"{role}@example.com"], ip=HERE, agent="pytest")


def log(engine, action):
    with engine.connect() as connection:
        return connection.execute(sa.select(AuditLog).where(AuditLog.action == action)).mappings().all()


def test_a_user_is_added_once_in_lower_case_and_written_down(engine):
    accounts.add_user(engine, NewUser("Root@Example.com", PASSWORD, " Root ", SUPER), ROOT, NOW)
    with pytest.raises(UsageError, match=r"there is a user root@example\.com already"):
        accounts.add_user(engine, NewUser("ROOT@example.com", PASSWORD), ROOT, NOW)
    (found,) = accounts.list_users(engine)
    assert (found.email, found.name, found.role, found.is_active) == ("root@example.com", "Root", SUPER, True)
    (act,) = log(engine, "user.add")
    assert (act["resource_id"], act["details"]) == (str(found.id), {"role": "super_admin", "login": "root"})
    for wrong in (NewUser("nobody", PASSWORD), NewUser("a@b.c", "short"), NewUser("x@erased.invalid", PASSWORD)):
        with pytest.raises(UsageError):
            accounts.add_user(engine, wrong, ROOT, NOW)


MAY = {
    (ADMIN, USER), (ADMIN, PRO), *((SUPER, each) for each in UserRole),
}  # fmt: skip


@pytest.mark.parametrize("actor", UserRole)
def test_who_may_act_on_whom(engine, people, actor):
    add_member(engine, "spare@example.com", SUPER)
    acts = (accounts.disable, accounts.enable, accounts.unlock, lambda e, c: accounts.set_role(e, c, target))
    for target in UserRole:
        if target is actor:
            continue  # on oneself: below
        for act in acts:
            if (actor, target) in MAY:
                act(engine, change(target, by(people, actor)))
            else:
                with pytest.raises(ForbiddenError):
                    act(engine, change(target, by(people, actor)))


def test_nobody_gives_a_role_they_may_not_manage_or_raises_themselves(engine, people):
    for target, role in ((USER, ADMIN), (USER, SUPER), (ADMIN, SUPER), (ADMIN, USER)):
        with pytest.raises(ForbiddenError):
            accounts.set_role(engine, change(target, by(people, ADMIN)), role)
    with pytest.raises(ForbiddenError):
        accounts.add_user(engine, NewUser("new@example.com", PASSWORD, None, ADMIN), by(people, ADMIN), NOW)
    with pytest.raises(ForbiddenError):
        accounts.set_role(engine, change(USER, by(people, USER)), PRO)
    assert accounts.set_role(engine, change(USER, by(people, ADMIN)), PRO).role is PRO
    (act,) = log(engine, "user.role")
    told = (act["user_id"], str(act["ip_address"]), act["user_agent"], act["details"])
    assert told == (people["admin@example.com"], HERE, "pytest", {"before": "user", "role": "pro_user"})


def test_everybody_looks_after_their_own_password_and_preferences(engine, people):
    accounts.set_password(engine, change(USER, by(people, USER)), "another river at dusk")
    accounts.set_preferences(engine, change(USER, by(people, USER)), {"timezone": "Asia/Tokyo"})
    for act in (lambda c: accounts.set_password(engine, c, "another river at dusk"),
                lambda c: accounts.set_preferences(engine, c, {"timezone": "Asia/Tokyo"}),
                lambda c: accounts.end_sessions(engine, c), lambda c: erase(engine, c)):  # fmt: skip
        with pytest.raises(ForbiddenError):
            act(change(PRO, by(people, USER)))


def test_the_last_super_admin_stays(engine, people):
    for act in (accounts.disable, erase, lambda e, c: accounts.set_role(e, c, ADMIN)):
        with pytest.raises(GuardError, match="the last super_admin"):
            act(engine, change(SUPER))
    add_member(engine, "second@example.com", SUPER)
    accounts.disable(engine, change("second"))
    with pytest.raises(GuardError):  # one who is disabled does not count
        accounts.disable(engine, change(SUPER))


def test_of_two_super_admins_who_disable_each_other_at_once_one_stays(engine, people):
    second, gate = add_member(engine, "second@example.com", SUPER), Barrier(2)
    pairs = [(change("second", by(people, SUPER))), (change(SUPER, Actor(second)))]

    def attempt(wish):
        gate.wait()
        try:
            return accounts.disable(engine, wish)
        except GuardError:
            return None

    with ThreadPoolExecutor(2) as pool:
        assert sum(each is not None for each in pool.map(attempt, pairs)) == 1


def test_a_disabled_user_acts_no_more(engine, people):
    accounts.disable(engine, change(ADMIN))
    with pytest.raises(ForbiddenError, match="disabled"):
        acting(engine, "admin@example.com", "root")
    with pytest.raises(ForbiddenError, match="disabled"):
        accounts.disable(engine, change(USER, by(people, ADMIN)))
    with engine.connect() as connection, pytest.raises(ForbiddenError):
        require(connection, by(people, ADMIN), "ledger:read")


def test_a_bankroll_is_moved_by_its_owner_or_an_admin(engine, people):
    for actor, heard in ((USER, True), (PRO, False), (ADMIN, True)):
        request = Request("user@example.com", by(people, actor), NOW)
        if actor is USER:
            open_bank(engine, request, None)
        if heard:
            deposit(engine, request, Decimal(5))
        else:
            with pytest.raises(ForbiddenError):
                deposit(engine, request, Decimal(5))


def test_preferences_are_checked_and_set_together_or_not_at_all(engine, people):
    assert accounts.preferences(engine, "user@example.com").timezone == "America/New_York"
    wishes = {"timezone": "Europe/Berlin", "display.odds": "decimal", "notifications.email": "yes"}
    accounts.set_preferences(engine, change(USER), wishes)
    wrong = "timezone=Mars display.odds=fractional display.rows=0 odds=x display=x display.=x =x notifications.email=7"
    for name, value in (each.split("=") for each in wrong.split()):
        with pytest.raises(UsageError):
            accounts.set_preferences(engine, change(USER), {"timezone": "UTC", name: value})
    kept = accounts.preferences(engine, "user@example.com")
    assert (kept.timezone, kept.display.odds, kept.notifications.email) == ("Europe/Berlin", "decimal", True)


def caller(engine, text, now=NOW):
    with engine.begin() as connection:
        return key_caller(connection, text, now)


def test_a_key_is_shown_once_and_does_what_it_was_given(engine, people):
    issued = add_key(engine, KeyWish("pro_user@example.com", "cron", ("ledger:read", "models:read"), 60), ROOT, NOW)
    found = caller(engine, issued.text)
    assert (found.user_id, found.key_id) == (people["pro_user@example.com"], issued.stored.id)
    assert (found.permissions, found.per_minute) == ({"ledger:read", "models:read"}, 60)
    assert issued.text.rpartition("_")[2] not in str(issued.stored)
    assert list_keys(engine, None, NOW)[0]["last_used_at"] == NOW
    accounts.set_role(engine, change(PRO), USER)
    assert caller(engine, issued.text).permissions == {"ledger:read"}
    (act,) = log(engine, "key.add")
    assert issued.text not in str(dict(act))


def test_a_key_opens_nothing_once_it_ended_was_revoked_or_its_user_is_disabled(engine, people):
    end = NOW.replace(hour=13)
    wish = KeyWish("user@example.com", "short", (), None, end)
    ending, lasting = add_key(engine, wish, ROOT, NOW), add_key(engine, KeyWish("user@example.com", "long"), ROOT, NOW)
    assert caller(engine, ending.text)
    with pytest.raises(AccessError):
        caller(engine, ending.text, end)
    accounts.disable(engine, change(USER))
    with pytest.raises(AccessError):
        caller(engine, lasting.text)
    with pytest.raises(GuardError, match="disabled"):
        add_key(engine, KeyWish("user@example.com", "another"), ROOT, NOW)
    accounts.enable(engine, change(USER))
    assert caller(engine, lasting.text)
    states = [row["state"] for row in list_keys(engine, "user@example.com", end)]
    assert sorted(map(str, states)) == ["active", "expired"]
    revoke_key(engine, lasting.stored.id.hex[:8], by(people, USER), NOW)
    with pytest.raises(AccessError):
        caller(engine, lasting.text)
    with pytest.raises(UsageError, match="revoked already"):
        revoke_key(engine, lasting.text, ROOT, NOW)
    for wrong in ("", "zz", "%"):
        with pytest.raises(UsageError, match="no key begins"):
            revoke_key(engine, wrong, ROOT, NOW)


def test_keys_of_others_are_for_admins_only(engine, people):
    issued = add_key(engine, KeyWish("user@example.com", "own"), by(people, USER), NOW)
    with pytest.raises(ForbiddenError):
        add_key(engine, KeyWish("user@example.com", "not theirs"), by(people, PRO), NOW)
    with pytest.raises(ForbiddenError):
        add_key(engine, KeyWish("super_admin@example.com", "higher"), by(people, ADMIN), NOW)
    with pytest.raises(ForbiddenError):
        revoke_key(engine, issued.stored.id.hex, by(people, PRO), NOW)
    revoke_key(engine, issued.stored.id.hex, by(people, ADMIN), NOW)


def test_a_person_is_erased_and_the_money_stays_to_the_cent(engine, database_settings, people):
    key, email = people["user@example.com"], "user@example.com"
    open_bank(engine, Request(email, ROOT, NOW), Decimal(100))
    deposit(engine, Request(email, ROOT, NOW), Decimal("7.25"), "from Ann's aunt")
    accounts.set_preferences(engine, change(USER), {"timezone": "Asia/Tokyo"})
    tokens = signed_in(engine, database_settings, email)
    issued = add_key(engine, KeyWish(email, "own"), ROOT, NOW)
    before = show(engine, email, 10)
    assert erase(engine, change(USER), dry_run=True).keys == 1
    done = erase(engine, change(USER))
    told = (done.user_id, done.sessions, done.keys, done.preferences, done.notes, done.balance, done.open_bets)
    assert told == (key, 1, 1, 1, 2, Decimal("107.25"), 0)
    with engine.connect() as connection:
        row = connection.execute(sa.select(User).where(User.id == key)).mappings().one()
        notes = set(connection.scalars(sa.select(BankrollTransaction.description)))
        for refused in (
            lambda: session_caller(connection, tokens.access, NOW),
            lambda: key_caller(connection, issued.text, NOW),
        ):
            with pytest.raises(AccessError):
                refused()
    assert row["email"] == f"{key.hex[:16]}@erased.invalid"
    assert (row["name"], row["hashed_password"], row["is_active"], row["role"]) == (None, "!", False, "user")
    assert notes == {None}
    after = show(engine, row["email"], 10)
    assert after[0].bank.current == before[0].bank.current
    assert [(each["type"], each["amount"], each["balance_after"]) for each in after[1]] == [
        (each["type"], each["amount"], each["balance_after"]) for each in before[1]
    ]
    assert verify(engine) == (1, [])
    with pytest.raises(AccessError):
        signed_in(engine, database_settings, email)
    for act in (accounts.enable, erase, lambda e, c: accounts.set_password(e, c, "another river at dusk")):
        with pytest.raises(UsageError, match="no user"):
            act(engine, Change(row["email"], ROOT, NOW))


def test_after_an_erasure_no_table_names_the_person(engine, database_settings, owner_engine):
    """What stays is the id: in the log of acts, which nobody may change, beside the addresses of requests."""
    email = "erin.secret@example.com"
    wish = Change(email, Actor(add_member(engine, email)), NOW)
    accounts.set_preferences(engine, wish, {"timezone": "Asia/Tokyo"})
    open_bank(engine, Request(email, wish.actor, NOW), Decimal(5))
    add_key(engine, KeyWish(email, "own"), wish.actor, NOW)
    signed_in(engine, database_settings, email)
    assert tables_that_say(owner_engine, "erin") == {"users"}
    erase(engine, wish)
    assert tables_that_say(owner_engine, "erin") == set()
    told = {"audit_logs", "bankrolls", "users"}
    assert tables_that_say(owner_engine, str(wish.actor.user_id)) == told


def tables_that_say(engine, word):
    """Return the tables with a row that holds the word anywhere."""
    with engine.connect() as connection:
        found = set()
        for name in sa.inspect(connection).get_table_names():
            says = sa.text(f'SELECT EXISTS (SELECT FROM "{name}" t WHERE t::text ILIKE :word)')
            if connection.scalar(says, {"word": f"%{word}%"}):
                found.add(name)
    return found
