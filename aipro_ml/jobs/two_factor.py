"""The second factor of an account: begun with a new secret, in force once a code of it was shown, switched off."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from aipro_ml.accounts import totp
from aipro_ml.config import Settings
from aipro_ml.db.repositories import accounts
from aipro_ml.db.repositories.accounts import StoredAccount
from aipro_ml.enums import UserRole
from aipro_ml.errors import AiproError, GuardError, UsageError
from aipro_ml.jobs.accounts import Change, held_account
from aipro_ml.jobs.actors import Actor, write_down
from aipro_ml.jobs.authority import require_rank
from aipro_ml.jobs.database import unit


@dataclass(frozen=True)
class Rotation:
    """How many second factors were sealed anew, and how many the new key opened already."""

    sealed_anew: int
    sealed_before: int


def begin(engine: Engine, settings: Settings, change: Change) -> totp.SecondFactor:
    """Store a new secret, sealed, and return it to be shown once; logins ask for no code before `confirm`.

    AiproError where AIPRO_SECRET_KEY is missing, GuardError where a second factor is in force.
    """
    totp.require_key(settings.secret_key)
    factor = totp.new_factor()
    with engine.begin() as connection:
        found = held_account(connection, change, own=True)
        if found.two_factor:
            raise GuardError(f"{found.email} has a second factor: switch it off first (`aipro user totp`)")
        values = {"two_factor_secret": totp.sealed(factor, settings.secret_key, found.id), "two_factor_enabled": False}
        accounts.change_account(connection, found.id, values, change.now)
        write_down(connection, change.actor, "user.totp_new", ("users", found.id), {}, change.now)
    return factor


def confirm(engine: Engine, settings: Settings, change: Change, code: str) -> None:
    """Put the second factor in force; AiproError for a wrong code, UsageError where none was begun."""
    with engine.begin() as connection:
        found = held_account(connection, change, own=True)
        if found.two_factor or not found.factor:
            raise UsageError(f"no second factor of {found.email} waits for a code: `aipro user totp {found.email} on`")
        keys = (settings.secret_key, found.id, settings.secret_key_old)
        used = totp.opened(found.factor, *keys).used(code, change.now)
        if used is None:
            raise AiproError(
                f"the code is not the one of now: look at both clocks, then `aipro user totp {found.email} confirm`"
            )
        values = {"two_factor_secret": totp.sealed(used, settings.secret_key, found.id), "two_factor_enabled": True}
        accounts.change_account(connection, found.id, values, change.now)
        write_down(connection, change.actor, "user.totp_on", ("users", found.id), {}, change.now)


def switch_off(engine: Engine, change: Change) -> None:
    """Drop the second factor and its secret; UsageError where there is none."""
    with engine.begin() as connection:
        found = held_account(connection, change, own=True)
        if not found.two_factor and not found.factor:
            raise UsageError(f"{found.email} has no second factor")
        values = {"two_factor_secret": None, "two_factor_enabled": False}
        accounts.change_account(connection, found.id, values, change.now)
        write_down(connection, change.actor, "user.totp_off", ("users", found.id), {}, change.now)


def rotate_key(engine: Engine, settings: Settings, actor: Actor, now: datetime, *, dry_run: bool = False) -> Rotation:
    """Seal every second factor that AIPRO_SECRET_KEY_OLD opens with AIPRO_SECRET_KEY, in one transaction.

    What the new key opens already is left, so that it may be run again. AiproError, with nothing written, where one
    opens with neither or a key is missing; ForbiddenError for a user who is no super_admin.
    """
    _require_keys(settings)
    with unit(engine, dry_run=dry_run) as connection:
        require_rank(connection, actor, UserRole.SUPER_ADMIN)
        found = accounts.sealed_accounts(connection)
        left = [each for each in found if not totp.opens(each.factor or "", settings.secret_key, each.id)]
        for each in left:
            accounts.change_account(connection, each.id, {"two_factor_secret": _sealed_anew(each, settings)}, now)
            write_down(connection, actor, "user.totp_key", ("users", each.id), {}, now)
    return Rotation(len(left), len(found) - len(left))


def _require_keys(settings: Settings) -> None:
    totp.require_key(settings.secret_key)
    if settings.secret_key_old is None:
        raise UsageError("AIPRO_SECRET_KEY_OLD is not set: the key that sealed so far; AIPRO_SECRET_KEY is the new one")
    if settings.secret_key_old == settings.secret_key:
        raise UsageError("AIPRO_SECRET_KEY and AIPRO_SECRET_KEY_OLD are the same: the first is to be a new key")


def _sealed_anew(account: StoredAccount, settings: Settings) -> str:
    try:
        factor = totp.opened(account.factor or "", settings.secret_key_old, account.id)
    except AiproError as error:
        raise AiproError(
            f"the second factor of {account.email} opens with neither key, so nothing was changed: "
            f"give the key that sealed it, or drop it (`aipro user totp {account.email} off`)"
        ) from error
    return totp.sealed(factor, settings.secret_key, account.id)
