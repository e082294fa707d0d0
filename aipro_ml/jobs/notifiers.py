"""Where alerts go: a webhook (JSON by POST) and e-mail, each as configured."""

import logging
import smtplib
import ssl
import threading
from collections.abc import Callable, Sequence
from email.message import EmailMessage

from aipro_ml.accounts.preferences import Notifications
from aipro_ml.config import Settings
from aipro_ml.db.repositories.alerts import StoredAlert
from aipro_ml.errors import AiproError

log = logging.getLogger(__name__)

TIMEOUT_S = 10
"""Seconds a server may be silent."""

PATIENCE_S = 60
"""Seconds a channel may take in all: a server that speaks a byte now and then is never silent."""

_PERMANENT = 500

Notifier = Callable[[Sequence[StoredAlert]], None]
Reader = tuple[str, Notifications]
"""An address, and what its owner wants to hear of."""


class NotAllSentError(AiproError):
    """Some alerts did not go out; `sent` did, and need not go again."""

    def __init__(self, message: str, sent: Sequence[StoredAlert]) -> None:
        super().__init__(message)
        self.sent = tuple(sent)


def notifiers(settings: Settings, readers: Sequence[Reader] = ()) -> dict[str, Notifier]:
    """Return the configured channels by name, with `admins` where some want mail; none where nothing is configured."""
    found: dict[str, Notifier] = {}
    if settings.alert_webhook is not None:
        found["webhook"] = lambda alerts: post(settings, alerts)
    if settings.alert_email_to:
        found["email"] = lambda alerts: mail(settings, alerts, settings.alert_email_to)
    if readers:
        found["admins"] = lambda alerts: mail_each(settings, alerts, readers)
    return found


def patiently(send: Notifier, alerts: Sequence[StoredAlert]) -> None:
    """Send the alerts; AiproError where that takes longer than PATIENCE_S and a little an alert: a night has to end.

    The attempt is left to itself then, and ends with the process at the latest.
    """
    ended: list[Exception | None] = []

    def attempt() -> None:
        try:
            send(alerts)
        except Exception as error:  # noqa: BLE001 - raised again by who waits
            ended.append(error)
        else:
            ended.append(None)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    limit = PATIENCE_S * (1 + len(alerts) / 30)
    thread.join(limit)
    if not ended:
        raise AiproError(f"no answer within {limit:.0f} s")
    if ended[0] is not None:
        raise ended[0]


def mail_each(settings: Settings, alerts: Sequence[StoredAlert], readers: Sequence[Reader]) -> None:
    """Send each reader the alerts they want, in a message of their own: nobody sees another's address.

    An address the server refuses for good is told of in the log and costs the others nothing; what may work the next
    time, or went to nobody, is raised once everybody was tried.
    """
    sent, refused, later = 0, 0, None
    for address, wants in readers:
        asked = [alert for alert in alerts if wants.wants(alert.severity)]
        try:
            if asked:
                mail(settings, asked, address)
                sent += 1
        except smtplib.SMTPRecipientsRefused as error:
            for_good = all(code >= _PERMANENT for code, _ in error.recipients.values())
            refused += for_good
            later = later if for_good else error
    if refused:
        log.warning("the mail server refuses addresses of admins", extra={"count": refused})
    if later is not None or (refused and not sent):
        raise AiproError("the mail server does not take the addresses of admins")


def post(settings: Settings, alerts: Sequence[StoredAlert]) -> None:
    """POST each alert as one JSON object; NotAllSentError where the address does not answer with success.

    An alert it refuses keeps no other from going out. No redirect is followed, nothing of an answer but its status
    read: an address that leads elsewhere gets no key of ours, and one that says a gigabyte fills no memory.
    """
    import httpx

    if settings.alert_webhook is None:
        raise AiproError("no webhook is set: AIPRO_ALERT_WEBHOOK")
    address = settings.alert_webhook.get_secret_value()
    taken: list[StoredAlert] = []
    refused = ""
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as client:
        for alert in alerts:
            try:
                with client.stream("POST", address, json=payload(alert)) as answer:  # what it says is never read
                    status = answer.status_code
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                told = f"no answer ({type(error).__name__})"
                raise NotAllSentError(told, taken) from None  # the cause names the address
            if answer.is_success:
                taken.append(alert)
            else:
                refused = refused or _refusal(status, is_redirect=answer.is_redirect)
    if refused:
        raise NotAllSentError(refused, taken)


def _refusal(status: int, *, is_redirect: bool) -> str:
    """Return what is told of an answer that is no success; of a redirect not where to, for a key may stand there."""
    if is_redirect:
        return f"the address answers {status}, a redirect, which is not followed: set AIPRO_ALERT_WEBHOOK to its end"
    return f"the address answers {status}"


def payload(alert: StoredAlert) -> dict[str, object]:
    """Return the alert as the webhook sends it; `text` is what chat programs show."""
    return {
        "text": f"[{alert.severity.value}] {alert.message}",
        "id": str(alert.id),
        "type": alert.alert_type,
        "severity": alert.severity.value,
        "message": alert.message,
        "created_at": alert.created_at.isoformat(),
    }


def mail(settings: Settings, alerts: Sequence[StoredAlert], to: str) -> None:
    """Send all alerts in one message to the addresses (comma between); smtplib's errors come through."""
    message = EmailMessage()
    worst = min(alerts, key=lambda alert: ("critical", "warning", "info").index(alert.severity.value))
    more = f" (and {len(alerts) - 1} more)" if len(alerts) > 1 else ""
    message["Subject"] = f"[AI PRO SPORTS] {worst.severity.value}: {one_line(worst.message)[:120]}{more}"
    message["From"] = settings.alert_email_from
    message["To"] = ", ".join(address.strip() for address in to.split(","))
    lines = [f"{a.created_at:%Y-%m-%d %H:%M} UTC  {a.severity.value}  {a.alert_type}: {a.message}" for a in alerts]
    message.set_content("\n".join(lines) + "\n\nAcknowledge one: aipro alert ack ID --by EMAIL\n")
    with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_S) as server:
        if settings.smtp_starttls:
            server.starttls(context=ssl.create_default_context())
        if settings.smtp_user:
            password = settings.smtp_password.get_secret_value() if settings.smtp_password else ""
            server.login(settings.smtp_user, password)
        server.send_message(message)


def one_line(text: str) -> str:
    """Return the text without line breaks, which a header must not have."""
    return " ".join(text.split())
