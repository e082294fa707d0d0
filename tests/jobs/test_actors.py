from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from aipro_ml.db.models.users import AuditLog
from aipro_ml.errors import ForbiddenError, UsageError
from aipro_ml.jobs.actors import Actor, actor_known, actor_named, write_down
from tests.jobs.people import add_user

NOW = datetime(2025, 12, 24, 12, tzinfo=UTC)


def test_an_act_is_kept_with_its_actor_and_where_the_request_came_from(connection):
    user = add_user(connection, "ann@example.com", NOW)
    actor = Actor(user, ip="192.0.2.7", agent="curl/8")
    write_down(connection, actor, "bank.deposit", ("bankrolls", 7), {"amount": "5.00"}, NOW)
    row = connection.execute(sa.select(AuditLog)).mappings().one()
    told = (row["user_id"], row["action"], row["resource"], row["resource_id"], str(row["ip_address"]))
    assert told == (user, "bank.deposit", "bankrolls", "7", "192.0.2.7")
    assert (row["user_agent"], row["details"], row["created_at"]) == ("curl/8", {"amount": "5.00"}, NOW)


def test_an_actor_is_the_named_user_or_else_the_login(connection):
    user = add_user(connection, "ann@example.com", NOW)
    assert actor_named(connection, " Ann@Example.com ", "root") == Actor(user)
    assert actor_named(connection, None, "root") == Actor(login="root")
    with pytest.raises(UsageError, match=r"no user 'bob@example\.com'"):
        actor_named(connection, "bob@example.com", "root")


def test_a_free_name_that_is_an_address_of_a_user_is_that_user(connection):
    user = add_user(connection, "ann@example.com", NOW)
    assert actor_known(connection, "Ann@example.com") == Actor(user)
    assert actor_known(connection, "Ann") == actor_known(connection, "bob@example.com") == Actor()
    add_user(connection, "eve@example.com", NOW, active=False)
    with pytest.raises(ForbiddenError, match="disabled"):
        actor_known(connection, "eve@example.com")
    with pytest.raises(ForbiddenError, match="disabled"):
        actor_named(connection, "eve@example.com", "root")


def test_a_login_is_told_in_the_details(connection):
    write_down(connection, Actor(login="root"), "bank.open", ("bankrolls", 7), {}, NOW)
    assert connection.scalar(sa.select(AuditLog.details)) == {"login": "root"}
