from datetime import datetime, timedelta

from aipro_ml.accounts.addresses import client_agent, client_ip, email_of, network_of, unknown_account
from aipro_ml.accounts.lockout import HERE, NETWORK, STRANGERS, Failure, shut_until
from tests.jobs.people import NOW

SECOND = timedelta(seconds=1)


def tries(count: int, **kind: bool) -> list[Failure]:
    """Return failed attempts of the last `count` seconds."""
    told = {"on_account": True, "from_here": True, "by_stranger": False, **kind}
    return [Failure(NOW - back * SECOND, **told) for back in range(1, count + 1)]


def shut(failures: list[Failure], *, is_stranger: bool = False, last_success: datetime | None = None) -> object:
    return shut_until(failures, NOW, is_stranger=is_stranger, last_success=last_success)


def test_the_fifth_failure_from_a_network_shuts_the_account_there_for_a_while() -> None:
    assert shut(tries(4)) is None
    assert shut(tries(5)) == NOW - 5 * SECOND + HERE.within
    assert shut_until(tries(5), NOW + HERE.within, is_stranger=False) is None


def test_failures_elsewhere_do_not_shut_the_door_on_a_network_the_owner_uses() -> None:
    attack = tries(500, from_here=False, by_stranger=True)
    assert shut(attack) is None
    assert shut(attack, is_stranger=True) == NOW - STRANGERS.attempts * SECOND + STRANGERS.within


def test_a_network_that_tries_many_accounts_is_shut_out() -> None:
    assert shut(tries(29, on_account=False)) is None
    assert shut(tries(30, on_account=False)) == NOW - NETWORK.attempts * SECOND + NETWORK.within


def test_a_success_forgives_what_was_tried_there_before_on_the_account() -> None:
    assert shut(tries(6), last_success=NOW - 2 * SECOND) is None
    assert shut(tries(6), last_success=NOW - 6 * SECOND) is not None
    assert shut(tries(30), last_success=NOW) is not None  # the network's own count goes on


def test_addresses_are_counted_by_what_one_client_has() -> None:
    assert network_of(client_ip("::ffff:192.0.2.7")) == network_of("192.0.2.7") == "192.0.2.7/32"
    assert network_of(client_ip("2001:db8:1:2:aaaa::1")) == network_of("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert [client_ip(text) for text in (None, "", "testclient", "1.2.3.4.5", "fe80::1%eth0")] == [None] * 4 + [
        "fe80::1"
    ]
    assert client_agent("curl\0" + "x" * 999) == "curl\ufffd" + "x" * 295


def test_an_address_is_stored_in_lower_case_and_an_unknown_one_not_at_all() -> None:
    assert email_of(" Ann@Example.com ") == "ann@example.com"
    for wrong in ("", "ann", "a@b@c", "a b@c.d", "a\0@b.c", "x" * 250 + "@b.cd", "\ud800@b.c"):
        assert email_of(wrong) is None
        assert unknown_account(wrong).startswith("unknown-")
    assert unknown_account("Bob@example.com") == unknown_account("bob@example.com")
