"""The second factor of an account: begun with a new secret, in force once a code of it was shown, switched off."""

from sqlalchemy import Engine

from aipro_ml.accounts import totp
from aipro_ml.config import Settings
from aipro_ml.db.repositories import accounts
from aipro_ml.errors import AiproError, GuardError, UsageError
from aipro_ml.jobs.accounts import Change, held_account
from aipro_ml.jobs.actors import write_down


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
        used = totp.opened(found.factor, settings.secret_key, found.id).used(code, change.now)
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
