"""When failed logins shut the door: by who is tried and from where, for a while, never for ever.

Three counts of failed attempts, each over its own time: an account from one network; a network, whatever accounts it
tries; an account from networks its owner never logged in from. An attempt that is refused unheard is not counted, so
a count runs out while somebody goes on knocking; and no stranger shuts the door on a network the owner uses.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Limit:
    """So many failed attempts within such a time are heard, no more."""

    attempts: int
    within: timedelta


HERE = Limit(5, timedelta(minutes=15))
"""Of one account from one network, since its last success there."""

NETWORK = Limit(30, timedelta(minutes=15))
"""Of one network over all accounts."""

STRANGERS = Limit(50, timedelta(hours=1))
"""Of one account from networks nobody logged in to it from."""

REMEMBERED = timedelta(days=90)
"""How long a network counts as the owner's after a login from it."""

LONGEST = max(limit.within for limit in (HERE, NETWORK, STRANGERS))
"""How far back attempts are read."""


@dataclass(frozen=True)
class Failure:
    """A failed attempt: whether it was on this account, from this network, from none of the owner's."""

    at: datetime
    on_account: bool
    from_here: bool
    by_stranger: bool


def shut_until(
    failures: Sequence[Failure], now: datetime, *, is_stranger: bool, last_success: datetime | None = None
) -> datetime | None:
    """Return when an attempt from here on the account is heard again, None where it is heard now.

    `failures` of the last LONGEST, on the account or from this network; `last_success` on the account from here.
    """
    since = [each for each in failures if last_success is None or each.at > last_success]
    counted = [
        _over([each.at for each in since if each.on_account and each.from_here], HERE, now),
        _over([each.at for each in failures if each.from_here], NETWORK, now),
    ]
    if is_stranger:
        strange = [each.at for each in failures if each.on_account and each.by_stranger]
        counted.append(_over(strange, STRANGERS, now))
    return max((end for end in counted if end is not None), default=None)


def seconds_until(end: datetime, now: datetime) -> int:
    """Return the whole seconds until `end`, one at least."""
    return max(1, math.ceil((end - now).total_seconds()))


def _over(moments: Iterable[datetime], limit: Limit, now: datetime) -> datetime | None:
    """Return when the oldest of the attempts that fill the limit leaves its time, None where it is not full."""
    recent = sorted((at for at in moments if at > now - limit.within), reverse=True)
    return recent[limit.attempts - 1] + limit.within if len(recent) >= limit.attempts else None
