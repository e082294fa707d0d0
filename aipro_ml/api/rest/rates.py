"""How many requests a minute are heard: per key or session, and per address where nobody is known yet."""

import logging
import math
import threading
import time
from collections.abc import Callable

from limits import RateLimitItemPerMinute
from limits.errors import ConfigurationError, StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from aipro_ml.api.rest.trace import Spent
from aipro_ml.errors import UsageError

LOGINS_A_MINUTE = 10
"""Logins and refreshes that are heard of one address."""

STRANGERS_A_MINUTE = 60
"""Requests of one address whose key or token is not valid that are answered with 401; more are with 429."""

SWEEP_EVERY = 5000
AWAY_S = 5.0
"""Seconds a shared store that did not answer is left alone: not every request is to wait for it."""

_PATIENCE_S = 1.0
_LOGGER = logging.getLogger(__name__)


class _Awake(threading.Timer):
    """A timer that is taken to run already."""

    def __init__(self) -> None:
        super().__init__(0.0, lambda: None)

    def is_alive(self) -> bool:
        """Return that no other is to be started."""
        return True


class OwnStore(MemoryStorage):
    """Counts in this process; what is over is swept away now and then instead of by a new thread each 10 ms.

    Starting that thread is a tenth of a request's work, and the event loop waits for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.timer.join()
        self.timer = _Awake()
        self._left = SWEEP_EVERY

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count, and sweep every SWEEP_EVERY times."""
        self._left -= 1
        if self._left <= 0:
            self._left = SWEEP_EVERY
            for each in list(self.expirations):
                self.get(each)  # forgets it where its time is over
        return super().incr(key, expiry, amount)


class Rates:
    """Counts requests in a sliding minute: in this process, or in a store that several processes share.

    Where the shared store does not answer, this process counts for itself and asks it again AWAY_S later: nobody is
    locked out, and nobody has more than the rate once more of each process.
    """

    def __init__(
        self,
        store: str | None = None,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._own = SlidingWindowCounterRateLimiter(OwnStore())
        self._shared = None if store is None else SlidingWindowCounterRateLimiter(shared_store(store))
        self._clock, self._ticks = clock, ticks
        self._away_until: float | None = None

    @property
    def waits(self) -> bool:
        """Return whether a count may wait for another machine."""
        return self._shared is not None

    def spend(self, per_minute: int, kind: str, who: str) -> Spent:
        """Take one request off the rate of `who`, and return what is left of it."""
        if self._shared is not None and (self._away_until is None or self._ticks() >= self._away_until):
            try:
                spent = self._spend(self._shared, per_minute, kind, who)
            except StorageError as error:
                self._leave(error)
            else:
                self._return()
                return spent
        return self._spend(self._own, per_minute, kind, who)

    def _leave(self, error: StorageError) -> None:
        """Leave the store alone for a while; what it is missed for is told once, by kind: its text has the address."""
        if self._away_until is None:
            kind = type(error.__cause__ or error).__name__
            _LOGGER.warning("the store of rates does not answer (%s): this process counts for itself", kind)
        self._away_until = self._ticks() + AWAY_S

    def _return(self) -> None:
        if self._away_until is not None:
            self._away_until = None
            _LOGGER.warning("the store of rates answers again: all processes count together")

    def _spend(self, limiter: SlidingWindowCounterRateLimiter, per_minute: int, kind: str, who: str) -> Spent:
        item = RateLimitItemPerMinute(per_minute)
        allowed = limiter.hit(item, kind, who)
        left = limiter.get_window_stats(item, kind, who)
        reset = max(1, math.ceil(left.reset_time - self._clock()))
        return Spent(allowed, per_minute, int(left.remaining), min(reset, 60))


def shared_store(url: str) -> Storage:
    """Return the store at `url`, such as redis://host:6379/0; UsageError where it is none this machine can use."""
    try:
        found = storage_from_string(
            url, wrap_exceptions=True, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S
        )
    except (ConfigurationError, ValueError) as error:
        scheme = url.partition("://")[0][:20]
        raise UsageError(
            f"AIPRO_API_RATE_STORE: a store of kind {scheme!r} cannot be used here ({type(error).__name__}): "
            "give redis://host:6379/0, and install the package redis"
        ) from error
    if not isinstance(found, Storage):
        raise UsageError("AIPRO_API_RATE_STORE: give the address without `async+`")
    return found
