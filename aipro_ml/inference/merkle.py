"""Merkle trees as RFC 6962 has them: one root for a whole ledger, and short proofs that a row is under it."""

import hashlib
from collections.abc import Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()
_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf; its prefix differs from a node's, so that neither passes for the other."""
    return hashlib.sha256(_LEAF + entry).digest()


def merkle_root(entries: Sequence[bytes]) -> bytes:
    """Return the root (32 bytes) over the entries in their order."""
    if not entries:
        return EMPTY_ROOT
    return _levels(entries)[-1][0]


def inclusion_path(entries: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of the entry at `index` (from 0), lowest first; IndexError where there is none."""
    if not 0 <= index < len(entries):
        raise IndexError(f"entry {index} of {len(entries)}")
    path = []
    for level in _levels(entries)[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        index //= 2
    return path


def root_of_path(entry: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that `entry` at `index` of `size` entries has by its audit path (RFC 9162 §2.1.3.2).

    ValueError where the path is too short or too long for that place.
    """
    node, place, last, left = leaf_hash(entry), index, size - 1, list(path)
    if not 0 <= index < size:
        raise ValueError(f"no entry {index} among {size}")
    while last:
        if place % 2 or place < last:
            if not left:
                raise ValueError("the path is too short")
            sibling = left.pop(0)
            node = _node(sibling, node) if place % 2 else _node(node, sibling)
        place, last = place // 2, last // 2
    if left:
        raise ValueError("the path is too long")
    return node


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()


def _levels(entries: Sequence[bytes]) -> list[list[bytes]]:
    """Return the nodes level by level, leaves first; a last node without a partner rises as it is."""
    levels = [[leaf_hash(entry) for entry in entries]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        paired = [_node(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
        levels.append(paired + below[len(paired) * 2 :])
    return levels
