"""Sessions: in with the right password only, one pair of tokens at a time, a used one ends the family."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pyotp
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from aipro_ml.accounts import passwords
from aipro_ml.accounts.permissions import ROLES
from aipro_ml.config import RetentionConfig
from aipro_ml.db.models.users import AuditLog, User, UserSession
from aipro_ml.enums import UserRole
from aipro_ml.errors import AccessError, AiproError, LockedOutError
from aipro_ml.jobs import two_factor
from aipro_ml.jobs.accounts import Change, disable, enable, end_sessions, set_password, set_role, unlock
from aipro_ml.jobs.retention import tidy
from aipro_ml.jobs.sessions import LoginRequest, Tokens, login, logout, refresh, session_caller
from tests.jobs.people import HERE, NOW, PASSWORD, ROOT, add_member, signed_in

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
EMAIL = "ann@example.com"


def caller(engine, tokens, now=NOW):
    with engine.connect() as connection:
        return session_caller(connection, tokens.access, now)


def is_in(engine, tokens, now=NOW):
    try:
        return caller(engine, tokens, now) is not None
    except AccessError:
        return False


def turned(engine, settings, tokens, now=NOW):
    return refresh(engine, settings, tokens.refresh, HERE, "pytest", now)


def acts(engine):
    with engine.connect() as connection:
        return list(connection.scalars(sa.select(AuditLog.action).order_by(AuditLog.created_at)))


@pytest.fixture(autouse=True)
def _cheap(monkeypatch):
    """Let bcrypt work as little as it can: what it costs is tried in tests/accounts."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)


@pytest.fixture
def ann(engine):
    return add_member(engine, EMAIL, UserRole.PRO_USER)


def test_a_session_says_who_asks_and_what_they_may(engine, database_settings, ann):
    tokens = signed_in(engine, database_settings, "ann@example.com")
    found = caller(engine, tokens)
    assert (found.user_id, found.email, found.role, found.key_id) == (ann, EMAIL, UserRole.PRO_USER, None)
    assert (found.permissions, found.per_minute) == (ROLES[UserRole.PRO_USER], 600)
    assert tokens.access_expires_at == NOW + 15 * MINUTE
    with engine.connect() as connection:
        row = connection.execute(sa.select(UserSession)).mappings().one()
        assert connection.scalar(sa.select(User.last_login_at)) == NOW
    assert (str(row["ip_address"]), row["user_agent"]) == (HERE, "pytest")
    secrets = [part for token in (tokens.access, tokens.refresh) for part in token.split(".")[2:]]
    assert not any(secret in row["token_hash"] for secret in secrets)
    assert acts(engine) == ["login.attempt", "login"]


@pytest.mark.parametrize(
    ("email", "password"),
    [(EMAIL, "wrong"), (EMAIL, ""), (EMAIL, PASSWORD + " "), ("bob@example.com", PASSWORD), ("no address", PASSWORD),
     ("\0", "\0"), ("\ud800@x.y", "\ud800")],
)  # fmt: skip
def test_whatever_is_wrong_is_answered_alike(engine, database_settings, ann, email, password):
    with pytest.raises(AccessError) as refused:
        login(engine, database_settings, LoginRequest(email, password, ip=HERE), NOW)
    assert str(refused.value) == str(AccessError())
    assert acts(engine) == ["login.attempt", "login.failed"]
    with engine.connect() as connection:
        assert connection.scalars(sa.select(AuditLog.user_id).distinct()).all() == [None]


def test_a_token_is_good_for_its_time(engine, database_settings, ann):
    tokens = signed_in(engine, database_settings, EMAIL)
    assert is_in(engine, tokens, NOW + 15 * MINUTE - timedelta(microseconds=1))
    assert not is_in(engine, tokens, NOW + 15 * MINUTE)
    with pytest.raises(AccessError):
        turned(engine, database_settings, tokens, NOW + 14 * DAY)
    later = turned(engine, database_settings, tokens, NOW + 13 * DAY)
    assert is_in(engine, later, NOW + 13 * DAY)
    for day in range(26, 91, 13):
        later = turned(engine, database_settings, later, NOW + day * DAY)
    with pytest.raises(AccessError):  # used every day or not, a session ends
        turned(engine, database_settings, later, NOW + 90 * DAY)


def test_the_next_pair_replaces_the_last_and_a_used_one_ends_the_session(engine, database_settings, ann):
    first = signed_in(engine, database_settings, EMAIL)
    second = turned(engine, database_settings, first)
    assert not is_in(engine, first)
    third = turned(engine, database_settings, second)
    assert is_in(engine, third)
    other = signed_in(engine, database_settings, EMAIL)
    with pytest.raises(AccessError):
        turned(engine, database_settings, first)
    assert not is_in(engine, third)
    with pytest.raises(AccessError):
        turned(engine, database_settings, third)
    assert is_in(engine, other)  # another session is another family
    assert acts(engine).count("session.reuse") == 1


def test_a_forged_token_ends_nobodys_session(engine, database_settings, ann):
    tokens = signed_in(engine, database_settings, EMAIL)
    head, key, family, turn = tokens.refresh.split(".")
    for forged in (f"{head}.{key}.{'A' * 43}.{turn}", f"{head}.{key}.{turn}.{family}", tokens.refresh[:-1], ""):
        with pytest.raises(AccessError):
            refresh(engine, database_settings, forged, HERE, None, NOW)
    assert is_in(engine, tokens)


def test_of_two_at_once_with_one_token_one_goes_on(engine, database_settings, ann):
    for _ in range(5):
        tokens, gate = signed_in(engine, database_settings, EMAIL), Barrier(2)

        def attempt(_, tokens=tokens, gate=gate):
            gate.wait()
            try:
                return turned(engine, database_settings, tokens)
            except AccessError:
                return None

        with ThreadPoolExecutor(2) as pool:
            got = [pair for pair in pool.map(attempt, range(2)) if pair is not None]
        assert len(got) == 1


def test_a_twin_that_waited_for_the_other_is_refused_but_no_thief(engine, database_settings, ann):
    tokens = signed_in(engine, database_settings, EMAIL)
    with ThreadPoolExecutor(2) as pool:
        with engine.begin() as connection:  # both have read the session as it is, and wait for its row
            connection.execute(sa.select(UserSession).with_for_update())
            both = [pool.submit(turned, engine, database_settings, tokens) for _ in range(2)]
            _wait_until_locked(engine, 2)
        pairs = [each.result() for each in both if each.exception() is None]
    assert len(pairs) == 1
    assert is_in(engine, pairs[0])
    assert "session.reuse" not in acts(engine)


def _wait_until_locked(engine, count):
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    for _ in range(2000):
        with engine.connect() as connection:
            if connection.scalar(waiting) == count:
                return
    raise AssertionError("nobody waits")


@pytest.mark.parametrize("which", ["access", "refresh"])
def test_who_logs_out_is_out(engine, database_settings, ann, which):
    tokens = signed_in(engine, database_settings, EMAIL)
    logout(engine, getattr(tokens, which), NOW)
    assert not is_in(engine, tokens)
    for token in (tokens.access, tokens.refresh, "", "aipro_a.x"):
        with pytest.raises(AccessError):
            logout(engine, token, NOW)
    assert acts(engine)[-1] == "logout"


def test_a_disabled_user_is_out_at_once_and_old_sessions_stay_ended(engine, database_settings, ann):
    tokens = signed_in(engine, database_settings, EMAIL)
    disable(engine, Change(EMAIL, ROOT, NOW))
    assert not is_in(engine, tokens)
    with pytest.raises(AccessError):
        turned(engine, database_settings, tokens)
    with pytest.raises(AccessError):
        signed_in(engine, database_settings, EMAIL)
    enable(engine, Change(EMAIL, ROOT, NOW))
    assert not is_in(engine, tokens)
    assert is_in(engine, signed_in(engine, database_settings, EMAIL))


def test_a_new_password_and_a_lowered_role_count_at_once(engine, database_settings, ann):
    tokens = signed_in(engine, database_settings, EMAIL)
    set_role(engine, Change(EMAIL, ROOT, NOW), UserRole.USER)
    assert caller(engine, tokens).permissions == ROLES[UserRole.USER]
    set_password(engine, Change(EMAIL, ROOT, NOW), "another river at dusk")
    assert not is_in(engine, tokens)
    with pytest.raises(AccessError):
        signed_in(engine, database_settings, EMAIL)
    again = login(engine, database_settings, LoginRequest(EMAIL, "another river at dusk", ip=HERE), NOW)
    assert end_sessions(engine, Change(EMAIL, ROOT, NOW)) == 1
    assert not is_in(engine, again)


def failing(engine, settings, count, email=EMAIL, ip=HERE, now=NOW):
    for _ in range(count):
        with pytest.raises(AccessError):
            login(engine, settings, LoginRequest(email, "wrong", ip=ip), now)


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com"])
def test_five_failures_shut_the_account_for_that_network_known_or_not(engine, database_settings, ann, email):
    failing(engine, database_settings, 5, email)
    for _ in range(3):  # refused unheard: neither counted nor written down
        with pytest.raises(LockedOutError) as refused:
            login(engine, database_settings, LoginRequest(email, PASSWORD, ip=HERE), NOW + MINUTE)
        assert refused.value.retry_after == 14 * 60
    assert len(acts(engine)) == 10
    with pytest.raises(LockedOutError):
        login(engine, database_settings, LoginRequest(email.upper(), PASSWORD, ip=HERE), NOW + MINUTE)
    if email == EMAIL:
        assert is_in(engine, signed_in(engine, database_settings, EMAIL, ip="198.51.100.1"))
        tokens = signed_in(engine, database_settings, EMAIL, NOW + 15 * MINUTE)
        assert is_in(engine, tokens, NOW + 15 * MINUTE)


def test_an_administrator_unlocks_an_account(engine, database_settings, ann):
    failing(engine, database_settings, 5)
    unlock(engine, Change(EMAIL, ROOT, NOW))
    assert is_in(engine, signed_in(engine, database_settings, EMAIL))


def test_a_hundred_guesses_at_once_are_five_heard(engine, database_settings, ann):
    def guess(_):
        try:
            login(engine, database_settings, LoginRequest(EMAIL, "wrong", ip=HERE), NOW)
        except (AccessError, LockedOutError) as refused:
            return type(refused)

    with ThreadPoolExecutor(5) as pool:
        told = list(pool.map(guess, range(100)))
    assert (told.count(AccessError), told.count(LockedOutError)) == (5, 95)


def test_a_swarm_of_strangers_does_not_lock_the_owner_out(engine, database_settings, ann):
    signed_in(engine, database_settings, EMAIL)
    for stranger in range(50):
        failing(engine, database_settings, 1, ip=f"203.0.113.{stranger}", now=NOW + MINUTE)
    with pytest.raises(LockedOutError):
        login(engine, database_settings, LoginRequest(EMAIL, PASSWORD, ip="198.51.100.1"), NOW + 2 * MINUTE)
    assert is_in(engine, signed_in(engine, database_settings, EMAIL, NOW + 2 * MINUTE), NOW + 2 * MINUTE)


@pytest.fixture
def sealed_settings(database_settings):
    return database_settings.model_copy(update={"secret_key": SecretStr("k" * 40)})


def with_factor(engine, settings):
    factor = two_factor.begin(engine, settings, Change(EMAIL, ROOT, NOW))
    app = pyotp.TOTP(factor.text)
    two_factor.confirm(engine, settings, Change(EMAIL, ROOT, NOW), app.at(NOW))
    return app


def with_code(engine, settings, code, now=NOW, password=PASSWORD):
    return login(engine, settings, LoginRequest(EMAIL, password, code, HERE), now)


def test_a_second_factor_is_asked_for_once_it_was_confirmed(engine, sealed_settings, ann):
    two_factor.begin(engine, sealed_settings, Change(EMAIL, ROOT, NOW))
    assert is_in(engine, signed_in(engine, sealed_settings, EMAIL))
    app = with_factor(engine, sealed_settings)
    later = NOW + MINUTE
    for code in (None, "", "000000", app.at(NOW)):  # the code of the confirmation is used up
        with pytest.raises(AccessError):
            with_code(engine, sealed_settings, code, later)
    with pytest.raises(AccessError):
        with_code(engine, sealed_settings, app.at(later), later, "wrong")
    unlock(engine, Change(EMAIL, ROOT, later))
    assert is_in(engine, with_code(engine, sealed_settings, app.at(later), later), later)
    with pytest.raises(AccessError):  # the same code again
        with_code(engine, sealed_settings, app.at(later), later)
    two_factor.switch_off(engine, Change(EMAIL, ROOT, later))
    assert is_in(engine, signed_in(engine, sealed_settings, EMAIL, later), later)


def test_one_code_presented_by_many_at_once_lets_one_in(engine, sealed_settings, ann):
    app, later, gate = with_factor(engine, sealed_settings), NOW + MINUTE, Barrier(4)

    def attempt(number):
        gate.wait()
        try:
            return login(
                engine, sealed_settings, LoginRequest(EMAIL, PASSWORD, app.at(later), f"192.0.2.{number}"), later
            )
        except AccessError:
            return None

    with ThreadPoolExecutor(4) as pool:
        assert sum(isinstance(each, Tokens) for each in pool.map(attempt, range(4))) == 1


def test_without_the_key_a_second_factor_is_neither_begun_nor_asked(engine, database_settings, sealed_settings, ann):
    with pytest.raises(AiproError, match="AIPRO_SECRET_KEY is not set"):
        two_factor.begin(engine, database_settings, Change(EMAIL, ROOT, NOW))
    app = with_factor(engine, sealed_settings)
    later = NOW + MINUTE
    with pytest.raises(AiproError, match="AIPRO_SECRET_KEY is not set"):
        with_code(engine, database_settings, app.at(later), later)
    with pytest.raises(AccessError):  # who has not the password learns nothing of it
        with_code(engine, database_settings, app.at(later), later, "wrong")


def test_retention_drops_sessions_whose_time_is_over(engine, database_settings, ann):
    signed_in(engine, database_settings, EMAIL)
    fresh = signed_in(engine, database_settings, EMAIL, NOW + DAY)
    end = NOW + 14 * DAY
    keep = RetentionConfig()
    assert tidy(engine, database_settings, keep, end, dry_run=True).sessions == 1
    assert tidy(engine, database_settings, keep, end).sessions == 1
    assert tidy(engine, database_settings, keep, end).sessions == 0
    assert turned(engine, database_settings, fresh, end)
