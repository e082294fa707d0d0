"""Users for tests, as `users` holds them."""

from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa

from aipro_ml.accounts import passwords
from aipro_ml.accounts.addresses import email_of
from aipro_ml.config import Settings
from aipro_ml.db.models.users import User
from aipro_ml.enums import UserRole
from aipro_ml.identity import derive_id
from aipro_ml.jobs.actors import Actor
from aipro_ml.jobs.sessions import LoginRequest, Tokens, login

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
PASSWORD = "a quiet river at dawn"
ROOT = Actor(login="root")
HERE = "192.0.2.7"


def add_user(
    connection: sa.Connection, email: str, now: datetime, role: UserRole = UserRole.USER, *, active: bool = True
) -> UUID:
    """Store a user nobody can log in as; return the id."""
    key = derive_id("test user", email)
    row = {"id": key, "email": email, "hashed_password": "!", "role": role, "is_active": active, "created_at": now}
    connection.execute(sa.insert(User).values(row))
    return key


def add_member(engine: sa.Engine, email: str, role: UserRole = UserRole.USER, password: str = PASSWORD) -> UUID:
    """Store a user who logs in with `password`, hashed with the least work bcrypt has; return the id."""
    assert email_of(email) == email
    with engine.begin() as connection:
        key = add_user(connection, email, NOW, role)
        connection.execute(sa.update(User).where(User.id == key).values(hashed_password=passwords.hashed(password, 4)))
    return key


def signed_in(engine: sa.Engine, settings: Settings, email: str, now: datetime = NOW, ip: str = HERE) -> Tokens:
    """Log the user in."""
    return login(engine, settings, LoginRequest(email, PASSWORD, ip=ip, agent="pytest"), now)
