from uuid import uuid4

import pytest

from aipro_ml.accounts.caller import Caller
from aipro_ml.accounts.keys import asked_grant, asked_rate, rate_of, stored_grant
from aipro_ml.accounts.permissions import ADMIN_AREAS, PERMISSIONS, ROLES, granted, may_manage, within
from aipro_ml.enums import UserRole
from aipro_ml.errors import ForbiddenError, UsageError
from tests.jobs.people import NOW

USER, PRO, ADMIN, SUPER = UserRole


def test_each_role_may_what_the_one_below_may() -> None:
    assert ROLES[USER] < ROLES[PRO] < ROLES[ADMIN] <= ROLES[SUPER]
    assert not any(granted(ROLES[PRO], each) for each in ADMIN_AREAS)
    assert all(granted(ROLES[ADMIN], each) for each in PERMISSIONS)


def test_a_wildcard_holds_its_own_area_only() -> None:
    assert granted({"admin:*"}, "admin:users")
    assert not granted({"admin:*"}, "models:read")
    assert not granted({"admin:users"}, "admin:*")
    assert not granted({"*"}, "admin:users")


def test_only_a_super_admin_touches_admins_and_super_admins() -> None:
    managed = {(one, other) for one in UserRole for other in UserRole if may_manage(one, other)}
    assert managed == {(ADMIN, USER), (ADMIN, PRO), *((SUPER, each) for each in UserRole)}


def test_a_key_never_has_what_the_role_lacks_now_or_later() -> None:
    assert asked_grant(USER, [], None, NOW).permissions == {p for p in ROLES[USER] if p.endswith(":read")}
    with pytest.raises(ForbiddenError, match="models:read"):
        asked_grant(USER, ["models:read", "ledger:read"], None, NOW)
    with pytest.raises(UsageError, match="no permission 'all'"):
        asked_grant(ADMIN, ["all"], None, NOW)
    grant = stored_grant(asked_grant(ADMIN, ["admin:users", "models:read", "ledger:read"], None, NOW).document)
    assert grant is not None
    assert grant.of(PRO) == {"models:read", "ledger:read"}
    assert grant.of(USER) == {"ledger:read"}
    assert within(USER, {"*", "ledger:*", "admin:*", "ledger:write"}) == set()


@pytest.mark.parametrize("document", [None, {}, {"allow": 7, "expires_at": None}, {"allow": [], "expires_at": "x"}])
def test_a_key_whose_permissions_cannot_be_read_opens_nothing(document: dict[str, object] | None) -> None:
    assert stored_grant(document) is None


def test_the_rate_of_a_key_follows_the_role_down() -> None:
    assert (asked_rate(ADMIN, 5000), asked_rate(USER, None)) == (5000, 100)
    assert (rate_of(ADMIN, 5000), rate_of(USER, 5000), rate_of(PRO, None)) == (5000, 100, 100)
    with pytest.raises(UsageError, match="1 to 100"):
        asked_rate(USER, 101)


def test_a_caller_is_refused_what_they_may_not() -> None:
    caller = Caller(uuid4(), "a@b.c", USER, ROLES[USER], None, 100)
    caller.require("ledger:read")
    with pytest.raises(ForbiddenError, match="admin:users"):
        caller.require("admin:users")
