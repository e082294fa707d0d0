"""Bytes of a source, from a file or a web address; the only place that touches the network."""

from pathlib import Path

from aipro_ml.errors import AiproError, DataFileError

SIZE_LIMIT = 2 * 1024**3
"""Larger files are refused, so that a wrong path cannot fill the memory."""


def fetch(place: str) -> tuple[str, bytes]:
    """Return (name, content) of the file or http(s) address `place`."""
    if place.startswith(("http://", "https://")):
        return _download(place)
    path = Path(place).expanduser()
    if not path.exists():
        raise DataFileError("no such file", file=place)
    if path.is_dir():
        raise DataFileError("is a folder; this source is one file", file=place)
    if path.stat().st_size > SIZE_LIMIT:
        raise DataFileError(f"larger than {SIZE_LIMIT // 1024**3} GiB", file=place)
    try:
        return path.name, path.read_bytes()
    except OSError as error:
        raise DataFileError(f"cannot be read: {error.strerror}", file=place) from error


def _download(address: str) -> tuple[str, bytes]:
    import httpx

    try:
        answer = httpx.get(address, follow_redirects=True, timeout=60)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise AiproError(f"{address}: download failed: {error}; nothing was imported, try again") from error
    return address.rsplit("/", 1)[-1] or "download", answer.content
