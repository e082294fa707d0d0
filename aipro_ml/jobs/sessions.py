"""Sessions: log in, take the next pair of tokens, log out, and say who presents a token.

Every failure is the same AccessError: nothing tells a wrong password from an unknown address, or a forged token
from an expired one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine

from aipro_ml.accounts import passwords, totp
from aipro_ml.accounts.addresses import client_agent, client_ip, email_of, network_of, unknown_account
from aipro_ml.accounts.caller import Caller
from aipro_ml.accounts.lockout import LONGEST, REMEMBERED, Failure, seconds_until, shut_until
from aipro_ml.accounts.permissions import PER_MINUTE, ROLES
from aipro_ml.accounts.tokens import (
    NewTokens,
    Presented,
    StoredTokens,
    first_tokens,
    is_refresh_text,
    next_tokens,
    read_access,
    read_refresh,
    stored_tokens,
)
from aipro_ml.config import Settings
from aipro_ml.db.repositories import accounts, acts, attempts, sessions
from aipro_ml.db.repositories.attempts import Client, Tried
from aipro_ml.errors import AccessError, LockedOutError


@dataclass(frozen=True)
class LoginRequest:
    """What somebody logs in with, and where from; `code` of the second factor where the account has one."""

    email: str
    password: str
    code: str | None = None
    ip: str | None = None
    agent: str | None = None


@dataclass(frozen=True)
class Tokens:
    """A pair of tokens, shown to its holder only: access for requests, refresh for the next pair."""

    access: str
    refresh: str
    access_expires_at: datetime
    refresh_expires_at: datetime


@dataclass(frozen=True)
class _Heard:
    """An attempt that is heard: its row in the audit log, what it tries, and the account if there is one."""

    attempt: UUID
    tried: Tried
    client: Client
    account: accounts.StoredAccount | None


def login(engine: Engine, settings: Settings, request: LoginRequest, now: datetime) -> Tokens:
    """Begin a session; AccessError where anything is wrong, LockedOutError after too many failures.

    No transaction is open while the password is checked: that takes a quarter of a second, for an address nobody
    has too. AiproError where the account has a second factor and AIPRO_SECRET_KEY is missing.
    """
    heard = _heard(engine, request, now)
    account = heard.account
    right = passwords.matches(request.password, None if account is None else account.password)
    with engine.begin() as connection:
        tokens = None if account is None or not right else _begun(connection, settings, heard, request, now)
        if tokens is None:
            attempts.record(connection, attempts.FAILURE, heard.tried, heard.client, _of(heard), now)
    if tokens is None:
        raise AccessError
    return tokens


def refresh(engine: Engine, settings: Settings, token: str, ip: str | None, agent: str | None, now: datetime) -> Tokens:
    """Return the next pair of a session's tokens; the presented refresh token is used up by it.

    One that was used up before ends the whole session: somebody else has it too. Of two that present the same one at
    the same moment one gets the next pair, and the other, who is no thief yet, AccessError alone.
    """
    presented, client = read_refresh(token), Client(client_ip(ip), client_agent(agent))
    with engine.connect() as connection:
        before = _tokens(sessions.session(connection, presented.id))
    tokens = None
    with engine.begin() as connection:
        row = sessions.session(connection, presented.id, lock=True)
        held = _tokens(row)
        if row is not None and held is not None and _is_open(row, now) and held.is_family(presented):
            if held.is_refresh(presented):
                tokens = _turned(connection, settings, row, presented, client, now)
            elif before is None or not before.is_refresh(presented):
                _revoke_family(connection, row, client, now)
    if tokens is None:
        raise AccessError
    return tokens


def logout(engine: Engine, token: str, now: datetime) -> None:
    """End the session whose present access or refresh token this is; AccessError for any other."""
    is_refresh = is_refresh_text(token)
    presented = read_refresh(token) if is_refresh else read_access(token)
    with engine.begin() as connection:
        row = sessions.session(connection, presented.id, lock=True)
        held = _tokens(row)
        if row is None or held is None or not (held.is_refresh if is_refresh else held.is_access)(presented):
            raise AccessError
        sessions.end_session(connection, row.id)
        _write_down(connection, "logout", row, Client(row.ip, row.agent), now)


def session_caller(connection: Connection, token: str, now: datetime) -> Caller:
    """Return who presents this access token; AccessError for any that is not the present one of an open session."""
    presented = read_access(token)
    row = sessions.session(connection, presented.id)
    held = _tokens(row)
    if row is None or held is None or not held.is_access(presented) or not _is_open(row, now):
        raise AccessError
    if now >= held.access_until:
        raise AccessError
    return Caller(row.user_id, row.email, row.role, ROLES[row.role], None, PER_MINUTE[row.role])


def _heard(engine: Engine, request: LoginRequest, now: datetime) -> _Heard:
    """Count the attempt and write it down; LockedOutError where it is one too many."""
    client = Client(client_ip(request.ip), client_agent(request.agent))
    with engine.begin() as connection:
        email = email_of(request.email)
        found = None if email is None else accounts.account(connection, email)
        name = unknown_account(request.email) if found is None else str(found.id)
        tried = Tried(name, None if found is None else found.id, network_of(client.ip))
        attempts.lock(connection, tried)
        end = _shut_until(connection, tried, now)
        if end is not None:
            raise LockedOutError(seconds_until(end, now))
        return _Heard(attempts.record(connection, attempts.ATTEMPT, tried, client, {}, now), tried, client, found)


def _shut_until(connection: Connection, tried: Tried, now: datetime) -> datetime | None:
    since = now - LONGEST
    known = {network_of(ip) for ip in attempts.known_ips(connection, tried.owner, now - REMEMBERED)}
    made = [
        Failure(
            each.at,
            on_account=each.account == tried.account,
            from_here=network_of(each.ip) == tried.network,
            by_stranger=network_of(each.ip) not in known,
        )
        for each in attempts.failures(connection, tried, since)
    ]
    success = attempts.last_success(connection, tried, since)
    return shut_until(made, now, is_stranger=tried.network not in known, last_success=success)


def _begun(
    connection: Connection, settings: Settings, heard: _Heard, request: LoginRequest, now: datetime
) -> Tokens | None:
    """Begin the session of an account whose password was right; None where it is disabled or the code is wrong.

    The account's row is held from here on: of two that present one code at once, the second finds it used.
    """
    account = accounts.account_by_id(connection, _id(heard), lock=True)
    if account is None or heard.account is None or not account.is_active:
        return None
    if account.password != heard.account.password:  # changed while it was checked
        return None
    used: dict[str, str] = {}
    if account.two_factor:
        keys = (settings.secret_key, account.id, settings.secret_key_old)
        factor = totp.opened(account.factor or "", *keys).used(request.code, now)
        if factor is None:
            return None
        used = {"two_factor_secret": totp.sealed(factor, settings.secret_key, account.id)}
    accounts.note_login(connection, account.id, used, now)
    attempts.record(connection, attempts.SUCCESS, heard.tried, heard.client, _of(heard), now)
    return _opened(connection, settings, account.id, heard.client, now)


def _opened(connection: Connection, settings: Settings, user_id: UUID, client: Client, now: datetime) -> Tokens:
    session_id = uuid4()
    pair = first_tokens(session_id, now + timedelta(minutes=settings.access_minutes))
    ends = _ends(settings, now, now)
    row = {"id": session_id, "user_id": user_id, "token_hash": pair.stored.column, "expires_at": ends}
    where = {"ip_address": client.ip, "user_agent": client.agent}
    sessions.add_session(connection, {**row, **where, "created_at": now})
    return _shown(pair, ends)


def _turned(
    connection: Connection,
    settings: Settings,
    row: sessions.StoredSession,
    presented: Presented,
    client: Client,
    now: datetime,
) -> Tokens:
    pair = next_tokens(presented, now + timedelta(minutes=settings.access_minutes))
    ends = _ends(settings, row.created_at, now)
    where = {"ip_address": client.ip, "user_agent": client.agent}
    sessions.turn_session(connection, row.id, {"token_hash": pair.stored.column, "expires_at": ends, **where})
    return _shown(pair, ends)


def _revoke_family(connection: Connection, row: sessions.StoredSession, client: Client, now: datetime) -> None:
    sessions.end_session(connection, row.id)
    _write_down(connection, "session.reuse", row, client, now)


def _write_down(
    connection: Connection, action: str, row: sessions.StoredSession, client: Client, now: datetime
) -> None:
    act = acts.Act(action, "sessions", str(row.id), {}, row.user_id, client.ip, client.agent)
    acts.record_act(connection, act, now)


def _ends(settings: Settings, began: datetime, now: datetime) -> datetime:
    return min(now + timedelta(days=settings.refresh_days), began + timedelta(days=settings.session_days))


def _shown(pair: NewTokens, ends: datetime) -> Tokens:
    """Return the pair; its access token lives no longer than the session."""
    return Tokens(pair.access, pair.refresh, min(pair.stored.access_until, ends), ends)


def _is_open(row: sessions.StoredSession, now: datetime) -> bool:
    return row.is_active and now < row.expires_at


def _tokens(row: sessions.StoredSession | None) -> StoredTokens | None:
    return None if row is None else stored_tokens(row.tokens)


def _of(heard: _Heard) -> dict[str, str]:
    return {"attempt": str(heard.attempt)}


def _id(heard: _Heard) -> UUID:
    return heard.tried.owner or UUID(int=0)
