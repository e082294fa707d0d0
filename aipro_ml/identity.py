"""Identifiers derived from what a thing is, so that importing or training again finds the same row."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID, uuid5

NAMESPACE = UUID("6f1d3a0e-5b7c-5d42-9c1e-a1b05b0475c1")
"""Root of every derived identifier; changing it would orphan every stored row."""


def derive_id(kind: str, *parts: object) -> UUID:
    """Return the identifier of the `kind` whose natural key is `parts` (RFC 4122 version 5)."""
    return uuid5(NAMESPACE, "\x1f".join([kind, *map(str, parts)]))


def derive_ids(kind: str, *columns: Iterable[object]) -> list[UUID]:
    """Return `derive_id(kind, *row)` for each row of `columns`, several times faster than one by one."""
    head = NAMESPACE.bytes + kind.encode()
    sha1 = hashlib.sha1
    return [
        UUID(bytes=sha1(head + "".join(f"\x1f{part}" for part in row).encode()).digest()[:16], version=5)
        for row in zip(*columns, strict=True)
    ]


def derive_raw(kind: str, *columns: Iterable[object]) -> bytes:
    """Return the ids of `derive_ids` as 16 bytes each, end to end: most of their cost is the UUID object."""
    head, sha1 = NAMESPACE.bytes + kind.encode(), hashlib.sha1
    rows = zip(*columns, strict=True)
    return _stamped(b"".join([sha1(head + "".join([f"\x1f{part}" for part in row]).encode()).digest() for row in rows]))


def name_head(kind: str, *parts: object) -> bytes:
    """Return the bytes that all names of `kind` beginning with `parts` have in common, for `derive_raw_ids`."""
    return NAMESPACE.bytes + "\x1f".join([kind, *map(str, parts), ""]).encode()


def derive_raw_ids(heads: Iterable[bytes], last: Iterable[bytes]) -> bytes:
    """Return 16 bytes a row, end to end: `derive_id` of the name that begins as `name_head` and ends in `last`.

    A million quotes are few series: their heads are joined once a series, and no UUID object is made, which
    would cost more than the hash.
    """
    sha1 = hashlib.sha1
    return _stamped(b"".join([sha1(head + end).digest() for head, end in zip(heads, last, strict=True)]))


def _stamped(digests: bytes) -> bytes:
    """Return SHA-1 digests of 20 bytes, end to end, as identifiers of 16."""
    raw = bytearray(16 * (len(digests) // 20))
    for place in range(16):
        raw[place::16] = digests[place::20]
    for place, kept, fixed in ((6, 0x0F, 0x50), (8, 0x3F, 0x80)):  # version 5, RFC 4122's variant
        raw[place::16] = raw[place::16].translate(bytes((byte & kept) | fixed for byte in range(256)))
    return bytes(raw)


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """Return `value` as UTF-8 JSON with sorted keys and no spaces; NaN and infinity are refused."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def content_hash(value: Mapping[str, Any]) -> str:
    """Return the SHA-256 (64 hex digits) of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
