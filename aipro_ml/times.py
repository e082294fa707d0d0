"""Time without a clock: everything inside is timezone-aware UTC, and naive datetimes are refused."""

from datetime import UTC, datetime


def ensure_utc(moment: datetime) -> datetime:
    """Return `moment` in UTC; raise ValueError where it carries no time zone, or UTC has no such year."""
    if moment.tzinfo is None:
        raise ValueError(f"naive datetime {moment.isoformat()}: give it a time zone (times are UTC)")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{moment.isoformat()} is out of range in UTC") from error


def parse_utc(text: str) -> datetime:
    """Return ISO 8601 `text` as UTC; raise ValueError where it has no offset or is no time.

    A `Z` suffix is accepted. A bare date is midnight UTC.
    """
    cleaned = text.strip()
    if len(cleaned) == 10:
        return datetime.fromisoformat(cleaned).replace(tzinfo=UTC)
    return ensure_utc(datetime.fromisoformat(cleaned))


def iso_utc(moment: datetime) -> str:
    """Return `moment` as ISO 8601 UTC with microseconds only where they are not zero."""
    return ensure_utc(moment).isoformat().replace("+00:00", "Z")
