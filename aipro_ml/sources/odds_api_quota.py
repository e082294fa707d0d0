"""The Odds API's quota: what a plan of requests costs, and what is left by the headers of an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aipro_ml.errors import UsageError

HISTORICAL_FACTOR = 10
"""A historical snapshot costs ten times a live one (The Odds API v4, "Usage quota costs")."""


@dataclass(frozen=True)
class Quota:
    """Requests of the current period as the API counts them; None where a header is absent or no number."""

    remaining: int | None
    used: int | None
    last_cost: int | None

    def covers(self, cost: int) -> bool | None:
        """Return whether `cost` is left, None where the API did not say what is."""
        return None if self.remaining is None else cost <= self.remaining


def plan_cost(markets: Sequence[str], regions: Sequence[str], snapshots: int = 1, *, historical: bool = False) -> int:
    """Return what `snapshots` requests of one sport cost: markets × regions each, ten times that if historical.

    A market or region named twice counts once, as the API does. UsageError for none of either or no snapshot.
    """
    for what, names in (("market", markets), ("region", regions)):
        if not names:
            raise UsageError(f"a plan needs at least one {what}")
    if snapshots < 1:
        raise UsageError(f"a plan needs at least one snapshot, not {snapshots}")
    each = len(set(markets)) * len(set(regions))
    return each * snapshots * (HISTORICAL_FACTOR if historical else 1)


def quota(headers: Mapping[str, str]) -> Quota:
    """Return the quota an answer's headers tell (`x-requests-remaining`, `-used`, `-last`; any letter case)."""
    told = {name.lower(): value for name, value in headers.items()}
    return Quota(*(_count(told.get(f"x-requests-{part}")) for part in ("remaining", "used", "last")))


def _count(text: str | None) -> int | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return int(value) if value.is_integer() else None
