"""Bytes of a source, from a file or a web address; the only place that touches the network."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aipro_ml.errors import AiproError, DataFileError, MissingFileError

if TYPE_CHECKING:
    import httpx
    import tenacity

SIZE_LIMIT = 2 * 1024**3
"""Larger files are refused, so that a wrong path cannot fill the memory."""

TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
"""Answers that may be another one the next time."""


@dataclass(frozen=True)
class Patience:
    """How often a download is tried, how long it waits between (doubling, in seconds), and for how long it listens."""

    attempts: int = 5
    first_wait: float = 1.0
    longest_wait: float = 60.0
    timeout: float = 60.0


@dataclass(frozen=True)
class Answer:
    """What a web address gave: its name (never with a query, which may hold a key), its bytes and headers."""

    name: str
    content: bytes
    headers: Mapping[str, str]


class _AgainError(Exception):
    """A download that may work the next time; `wait`: what the server asked for, in seconds."""

    def __init__(self, said: str, wait: float | None = None) -> None:
        super().__init__(said)
        self.wait = wait


def is_address(place: str) -> bool:
    """Return whether `place` is a web address (whatever its scheme) rather than a path."""
    return re.match(r"[a-z][a-z0-9+.-]+:/", place, re.IGNORECASE) is not None


def shown_address(address: str) -> str:
    """Return an address as it may be printed and stored: without name, password, query and fragment of it."""
    scheme, _, rest = re.split(r"[?#;]", address, maxsplit=1)[0].partition(":")
    server, slash, path = rest.lstrip("/").partition("/")
    host = server.rpartition("@")[2]
    plain = re.fullmatch(r"(?:\[[0-9a-f:.]*\]|[\w.-]*)(?::\d*)?", host, re.IGNORECASE)
    return f"{scheme}://{host if plain else '…'}{slash}{path}"


def fetch(place: str, patience: Patience | None = None) -> tuple[str, bytes]:
    """Return (name, content) of the file or http(s) address `place`."""
    if is_address(place):
        answer = download(place, patience=patience)
        return answer.name, answer.content
    path = Path(place).expanduser()
    try:
        if not path.exists():
            raise MissingFileError("no such file", file=place)
        if path.is_dir():
            raise DataFileError("is a folder; this source is one file", file=place)
        if path.stat().st_size > SIZE_LIMIT:
            raise DataFileError(f"larger than {SIZE_LIMIT // 1024**3} GiB", file=place)
        if path.is_char_device():
            raise DataFileError("is a device, not a file", file=place)
        return path.name, path.read_bytes()
    except OSError as error:
        raise DataFileError(f"cannot be read: {error.strerror}", file=place) from error


def download(address: str, params: Mapping[str, str] | None = None, patience: Patience | None = None) -> Answer:
    """Return what `address` gives, tried again after a pause where it may work then (429, 5xx, a broken line).

    A `Retry-After` of the server is honoured. Raises AiproError naming the address without its query, in which
    a key may stand, once it failed for good or too often.
    """
    import tenacity

    patience = patience or Patience()
    shown = shown_address(address)
    if not shown.lower().startswith(("http://", "https://")):
        raise AiproError(f"{shown}: only http and https addresses are fetched; nothing was imported")
    tries = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_AgainError),
        stop=tenacity.stop_after_attempt(patience.attempts),
        wait=lambda state: _pause(state, patience),
        reraise=True,
    )
    _silence()
    try:
        return tries(_once, address, params, shown, patience.timeout)
    except _AgainError as error:
        said = f"{shown}: {error}, {patience.attempts} times; nothing was imported, try again later"
        raise AiproError(said) from None  # the cause would name the whole address


def _pause(state: "tenacity.RetryCallState", patience: Patience) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    asked = error.wait if isinstance(error, _AgainError) else None
    doubled = patience.first_wait * 2 ** (state.attempt_number - 1)
    return min(asked if asked is not None else doubled, patience.longest_wait)


def _once(address: str, params: Mapping[str, str] | None, shown: str, timeout: float) -> Answer:
    import httpx

    try:
        with httpx.stream("GET", address, params=params, follow_redirects=True, timeout=timeout) as answer:
            _refuse(answer, shown)
            content = _body(answer, shown)
            return Answer(shown.rsplit("/", 1)[-1] or "download", content, dict(answer.headers))
    except httpx.TimeoutException:
        raise _AgainError(f"no answer within {timeout:g} s") from None
    except httpx.UnsupportedProtocol:
        raise AiproError(f"{shown}: leads to what is no http address; nothing was imported") from None
    except httpx.TransportError as error:
        raise _AgainError(f"the connection broke ({type(error).__name__})") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise AiproError(f"{shown}: download failed ({type(error).__name__}); nothing was imported") from None


def _refuse(answer: "httpx.Response", shown: str) -> None:
    """Raise for an answer that is none: _AgainError where another try may help, else AiproError."""
    if answer.is_success:
        return
    said = f"the server answers {answer.status_code} {answer.reason_phrase}".strip()
    if answer.status_code in TRANSIENT:
        raise _AgainError(said, _seconds(answer.headers.get("retry-after")))
    hint = "; is the key right?" if answer.status_code in {401, 403} else ""
    raise AiproError(f"{shown}: {said}{hint}; nothing was imported")


def _seconds(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None  # a date: our own pause will do
    return value if value >= 0 else None


def _body(answer: "httpx.Response", shown: str) -> bytes:
    parts, size = [], 0
    for part in answer.iter_bytes():
        size += len(part)
        if size > SIZE_LIMIT:
            raise AiproError(f"{shown}: larger than {SIZE_LIMIT // 1024**3} GiB; nothing was imported")
        parts.append(part)
    return b"".join(parts)


def _silence() -> None:
    """Keep the HTTP library's own log lines, which hold whole addresses with their keys, out of ours."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
