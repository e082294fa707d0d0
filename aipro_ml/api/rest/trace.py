"""What is known of one request while it is answered: its id, who asks, what of the rate is left."""

from dataclasses import dataclass
from typing import Any

_SCOPE_KEY = "aipro.trace"


@dataclass(frozen=True)
class Spent:
    """One request taken off a rate: `limit` a minute, how many `remaining`, in how many seconds more are (`reset`)."""

    allowed: bool
    limit: int
    remaining: int
    reset: int


@dataclass
class Trace:
    """A request on its way: its id, and, once they are known, its caller (an id, no name), rate and permissions.

    `era`: the state of the database that its answer is kept under, None where it is not to be kept.
    """

    request_id: str
    caller: str = "-"
    spent: Spent | None = None
    permissions: frozenset[str] | None = None
    era: int | None = None


def trace_of(scope: Any) -> Trace:
    """Return the trace of the request with this ASGI scope."""
    found = scope.get(_SCOPE_KEY)
    return found if isinstance(found, Trace) else Trace("-")


def begin_trace(scope: Any, request_id: str) -> Trace:
    """Return a new trace, kept in the scope."""
    trace = Trace(request_id)
    scope[_SCOPE_KEY] = trace
    return trace
