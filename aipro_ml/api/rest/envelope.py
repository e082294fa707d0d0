"""Around every request: its id, the headers of safety and of rates, the size of its body, one line of log."""

import logging
import re
import time
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aipro_ml import logs
from aipro_ml.api.rest.problems import problem, unexpected
from aipro_ml.api.rest.trace import Trace, begin_trace
from aipro_ml.errors import printable

MOST_BYTES = 64 * 1024
"""The largest body that is read."""

SAFETY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-site",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_HSTS = "max-age=31536000"
_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_LOGGER = logging.getLogger(__name__)


class BodyTooLargeError(HTTPException):
    """A body is larger than MOST_BYTES."""

    def __init__(self) -> None:
        super().__init__(413, f"a body has at most {MOST_BYTES} bytes")


class Envelope:
    """ASGI middleware; errors nobody foresaw end here as a problem that tells nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        trace = begin_trace(scope, _request_id(asked.get("x-request-id")))
        logs.bind_run(trace.request_id)
        told = _Told(scope, trace, send)
        try:
            if _too_long(asked.get("content-length")):
                await _refusal(trace)(scope, receive, told.send)
            else:
                await self.app(scope, _Measured(receive).receive, told.send)
        except Exception as error:
            if told.status is not None:
                raise
            await unexpected(trace.request_id, error)(scope, receive, told.send)
        finally:
            told.log()


class _Told:
    """Sends the answer with its further headers, and knows how it went."""

    def __init__(self, scope: Scope, trace: Trace, send: Send) -> None:
        self._scope, self._trace, self._send = scope, trace, send
        self._begun = time.perf_counter()
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            self._add(MutableHeaders(scope=message))
        await self._send(message)

    def _add(self, headers: MutableHeaders) -> None:
        for name, value in SAFETY.items():
            headers.setdefault(name, value)
        if self._scope.get("scheme") == "https":
            headers.setdefault("Strict-Transport-Security", _HSTS)
        headers["X-Request-Id"] = self._trace.request_id
        spent = self._trace.spent
        if spent is not None:
            headers["RateLimit-Policy"] = f"{spent.limit};w=60"
            headers["RateLimit-Limit"] = str(spent.limit)
            headers["RateLimit-Remaining"] = str(spent.remaining)
            headers["RateLimit-Reset"] = str(spent.reset)

    def log(self) -> None:
        """Write one line: the place without its question, and who asked without a name."""
        facts = {
            "method": self._scope["method"],
            "path": printable(str(self._scope["path"])[:200]),
            "status": self.status,
            "ms": round((time.perf_counter() - self._begun) * 1000, 1),
            "caller": self._trace.caller,
        }
        _LOGGER.info("request", extra=facts)


class _Measured:
    """Receives a body and refuses to read more of it than MOST_BYTES."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._size = receive, 0

    async def receive(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > MOST_BYTES:
            raise BodyTooLargeError
        return message


def _refusal(trace: Trace) -> ASGIApp:
    error = BodyTooLargeError()
    return problem(trace.request_id, error.status_code, error.detail, headers={"Connection": "close"})


def _too_long(length: str | None) -> bool:
    return length is not None and length.isdecimal() and int(length) > MOST_BYTES


def _request_id(told: str | None) -> str:
    return told if told is not None and _ID.fullmatch(told) else uuid4().hex[:16]
