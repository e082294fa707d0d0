"""Whether an actor may do an act: roles are asked for at the moment of it; the machine's own login may do all."""

from uuid import UUID

from sqlalchemy import Connection

from aipro_ml.accounts.permissions import ROLES, granted, may_manage
from aipro_ml.db.repositories import accounts
from aipro_ml.db.repositories.acts import Person
from aipro_ml.enums import UserRole
from aipro_ml.errors import ForbiddenError
from aipro_ml.jobs.actors import Actor


def require(connection: Connection, actor: Actor, permission: str) -> None:
    """Raise ForbiddenError where the acting user lacks the permission or is disabled."""
    if actor.user_id is not None and not granted(ROLES[_role(connection, actor.user_id)], permission):
        raise ForbiddenError(f"this needs the permission {permission}, which the acting user has not")


def require_over(connection: Connection, actor: Actor, target: Person, permission: str, *, own: bool = False) -> None:
    """Raise ForbiddenError where the acting user may not act on the account `target`.

    `own`: everybody may on their own account. An admin acts on users and pro_users only.
    """
    if actor.user_id is None or (own and actor.user_id == target.id and _role(connection, target.id)):
        return
    require(connection, actor, permission)
    require_rank(connection, actor, target.role)


def require_rank(connection: Connection, actor: Actor, role: UserRole) -> None:
    """Raise ForbiddenError where the acting user may not touch accounts of this role, or give it."""
    if actor.user_id is not None and not may_manage(_role(connection, actor.user_id), role):
        raise ForbiddenError(f"only a super_admin may touch an account of role {role}, or give that role")


def _role(connection: Connection, user_id: UUID) -> UserRole:
    found = accounts.account_by_id(connection, user_id)
    if found is None or not found.is_active:
        raise ForbiddenError("the acting user is disabled")
    return found.role
