"""Users and authentication: accounts, sessions, keys, preferences and the audit log."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from aipro_ml.db.base import Base, UuidKey, Varchar20, Varchar50, Varchar100, Varchar255, one_of, references
from aipro_ml.enums import UserRole


class User(Base):
    """An account."""

    __tablename__ = "users"
    __table_args__ = (
        one_of("role", UserRole),
        Index("idx_users_email", "email"),
        Index("idx_users_role", "role"),
    )

    id: Mapped[UuidKey]
    email: Mapped[Varchar255] = mapped_column(unique=True)
    hashed_password: Mapped[Varchar255]
    name: Mapped[Varchar100 | None]
    role: Mapped[Varchar20] = mapped_column(server_default=text("'user'"))
    is_active: Mapped[bool | None] = mapped_column(server_default=text("TRUE"))
    two_factor_enabled: Mapped[bool | None] = mapped_column(server_default=text("FALSE"))
    two_factor_secret: Mapped[Varchar255 | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime | None]
    last_login_at: Mapped[datetime | None]


class UserSession(Base):
    """A signed-in session, by the hash of its refresh token."""

    __tablename__ = "sessions"

    id: Mapped[UuidKey]
    user_id: Mapped[UUID | None] = references("users.id", "CASCADE")
    token_hash: Mapped[Varchar255]
    expires_at: Mapped[datetime]
    ip_address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None]
    created_at: Mapped[datetime]


class ApiKey(Base):
    """A key to the API, by its hash."""

    __tablename__ = "api_keys"

    id: Mapped[UuidKey]
    user_id: Mapped[UUID | None] = references("users.id", "CASCADE")
    key_hash: Mapped[Varchar255]
    name: Mapped[Varchar100 | None]
    permissions: Mapped[dict[str, Any] | None]
    rate_limit: Mapped[int | None] = mapped_column(server_default=text("100"))
    is_active: Mapped[bool | None] = mapped_column(server_default=text("TRUE"))
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class UserPreference(Base):
    """What a user set for display and notification."""

    __tablename__ = "user_preferences"

    id: Mapped[UuidKey]
    user_id: Mapped[UUID | None] = references("users.id", "CASCADE", unique=True)
    notification_settings: Mapped[dict[str, Any] | None]
    display_preferences: Mapped[dict[str, Any] | None]
    timezone: Mapped[Varchar50 | None] = mapped_column(server_default=text("'America/New_York'"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime | None]


class AuditLog(Base):
    """An act on the platform; the application role may add, never change."""

    __tablename__ = "audit_logs"
    __table_args__ = (
        Index("idx_audit_logs_user_id", "user_id"),
        Index("idx_audit_logs_action", "action"),
        Index("idx_audit_logs_created_at", "created_at"),
        {"info": {"insert_only": True}},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[UUID | None] = references("users.id", "SET NULL")
    action: Mapped[Varchar50]
    resource: Mapped[Varchar100 | None]
    resource_id: Mapped[Varchar100 | None]
    ip_address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None]
    details: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
