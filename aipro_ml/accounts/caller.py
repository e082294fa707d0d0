"""Who asks: the user behind a session or a key, and what this one may do."""

from dataclasses import dataclass
from uuid import UUID

from aipro_ml.accounts.permissions import granted
from aipro_ml.enums import UserRole
from aipro_ml.errors import ForbiddenError


@dataclass(frozen=True)
class Caller:
    """Somebody who was let in; `key_id` is None in a session, `per_minute` how many requests are heard a minute."""

    user_id: UUID
    email: str
    role: UserRole
    permissions: frozenset[str]
    key_id: UUID | None
    per_minute: int

    def may(self, permission: str) -> bool:
        """Return whether the caller has this permission."""
        return granted(self.permissions, permission)

    def require(self, permission: str) -> None:
        """Raise ForbiddenError where the caller lacks this permission."""
        if not self.may(permission):
            raise ForbiddenError(f"this needs the permission {permission}")
