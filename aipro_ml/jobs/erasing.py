"""Erase a person: the account's row stays, empty, so that bets and money keep their owner's id."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Engine

from aipro_ml.db.repositories import accounts, bank, keys, sessions
from aipro_ml.enums import UserRole
from aipro_ml.jobs.accounts import ERASED_DOMAIN, Change, held_account, keep_a_super_admin
from aipro_ml.jobs.actors import write_down
from aipro_ml.jobs.database import unit


@dataclass(frozen=True)
class Erased:
    """What was dropped of a person, and what stays under their id."""

    user_id: UUID
    sessions: int
    keys: int
    preferences: int
    notes: int
    balance: Decimal | None
    open_bets: int


def erase(engine: Engine, change: Change, *, dry_run: bool = False) -> Erased:
    """Drop address, name, password, second factor, sessions, keys, preferences and notes on payments of the person.

    Bets, movements and balance stay to the cent, under the same id. GuardError for the last super_admin.
    """
    with unit(engine, dry_run=dry_run) as connection:
        found = held_account(connection, change, own=True)
        keep_a_super_admin(connection, found)
        bank.lock_bank(connection, found.id)  # a payment under way ends first, and the next finds nobody
        balance, open_bets = accounts.holdings(connection, found.id)
        nobody = {
            "email": f"{found.id.hex[:16]}@{ERASED_DOMAIN}",
            "name": None,
            "hashed_password": "!",
            "role": UserRole.USER,
            "is_active": False,
            "two_factor_enabled": False,
            "two_factor_secret": None,
            "last_login_at": None,
        }
        erased = Erased(
            found.id,
            sessions.end_sessions(connection, found.id),
            keys.drop_keys(connection, found.id),
            accounts.drop_preferences(connection, found.id),
            bank.drop_notes(connection, found.id),
            balance,
            open_bets,
        )
        # last: nobody can name the account while its address changes, and who is about to may hold what was dropped
        accounts.change_account(connection, found.id, nobody, change.now)
        told = {"sessions": erased.sessions, "keys": erased.keys, "notes": erased.notes, "open_bets": open_bets}
        write_down(connection, change.actor, "user.erase", ("users", found.id), told, change.now)
        return erased
