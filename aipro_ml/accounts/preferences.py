"""What a user sets for themselves: the time zone, how odds are written, and what they want to hear of."""

from collections.abc import Mapping
from typing import Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, ValidationError

from aipro_ml.enums import Severity
from aipro_ml.errors import UsageError, printable

DEFAULT_TIMEZONE = "America/New_York"


class Notifications(BaseModel):
    """Alerts an admin wants: whether by e-mail, and from which severity on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    email: bool = False
    severity: Severity = Severity.CRITICAL

    def wants(self, severity: Severity) -> bool:
        """Return whether an alert of this severity is to be mailed."""
        order = list(Severity)
        return self.email and order.index(severity) >= order.index(self.severity)


class Display(BaseModel):
    """How a client is to show things to the user."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    odds: Literal["american", "decimal"] = "american"
    rows: int = 50


class Preferences(BaseModel):
    """Everything a user may set; what they never set is the default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    timezone: str = DEFAULT_TIMEZONE
    notifications: Notifications = Notifications()
    display: Display = Display()

    @property
    def rows(self) -> list[dict[str, object]]:
        """Return each preference with its value, as rows of a table."""
        parts = (("", {"timezone": self.timezone}), ("notifications.", self.notifications), ("display.", self.display))
        return [
            {"preference": f"{part}{name}", "value": value} for part, of in parts for name, value in dict(of).items()
        ]

    def changed(self, name: str, value: str) -> "Preferences":
        """Return them with the one named `timezone` or `part.name` set; UsageError where it does not fit."""
        part, _, field = name.rpartition(".")
        document = self.model_dump()
        if (part or name) not in document or (part and field not in document[part]):
            known = ", ".join(str(row["preference"]) for row in self.rows)
            raise UsageError(f"no preference {printable(name[:60])!r}: there are {known}")
        (document[part] if part else document)[field] = value
        return _read(document)


def stored_preferences(
    notifications: Mapping[str, Any], display: Mapping[str, Any], timezone: str | None
) -> Preferences:
    """Return the preferences a row holds; UsageError where it holds something else."""
    zone = DEFAULT_TIMEZONE if timezone is None else timezone
    return _read({"timezone": zone, "notifications": dict(notifications), "display": dict(display)})


def stored_notifications(document: Mapping[str, Any]) -> Notifications:
    """Return what a row says its user wants to hear of; the default where it cannot be read: alerts go on."""
    try:
        return Notifications.model_validate(document)
    except ValidationError:
        return Notifications()


def _read(document: Mapping[str, Any]) -> Preferences:
    try:
        found = Preferences.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"preference {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if found.timezone not in available_timezones():
        raise UsageError(f"no time zone {printable(found.timezone[:60])!r}: write it as Europe/Berlin")
    if not 1 <= found.display.rows <= 500:
        raise UsageError("preference display.rows: 1 to 500")
    return found
