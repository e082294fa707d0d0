"""Users for tests, as `users` holds them."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from aipro_ml.db.models.users import User
from aipro_ml.enums import UserRole
from aipro_ml.identity import derive_id


def add_user(
    connection: sa.Connection, email: str, now: datetime, role: UserRole = UserRole.USER, *, active: bool = True
) -> UUID:
    """Store a user nobody can log in as; return the id."""
    key = derive_id("test user", email)
    row = {"id": key, "email": email, "hashed_password": "!", "role": role, "is_active": active, "created_at": now}
    connection.execute(sa.insert(User).values(row))
    return key
