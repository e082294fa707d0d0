"""The ledger as a file anybody can verify: each row's pre-images and hashes, the head and the Merkle root."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aipro_ml.errors import AiproError, UsageError
from aipro_ml.inference.ledger import GENESIS_HASH, Fault, FaultKind, Head, chain_image, head_of, verify
from aipro_ml.inference.merkle import inclusion_path, merkle_root
from aipro_ml.inference.prediction import prediction_image

FORMAT = "aipro-ledger-1"


@dataclass(frozen=True)
class Export:
    """An exported ledger that was found whole: its head, its Merkle root, and every row's pre-images by `seq`."""

    head: Head
    merkle_root: str
    rows: Mapping[int, Mapping[str, Any]]


def root_of(chain_hashes: Iterable[str]) -> str:
    """Return the Merkle root (64 hex digits) over chain hashes in ledger order."""
    return merkle_root([bytes.fromhex(digest) for digest in chain_hashes]).hex()


def export_lines(rows: Sequence[Mapping[str, Any]], exported_at: str) -> Iterator[str]:
    """Yield the file's lines, JSON each: what it is, then a row of the ledger (given in its order) a line."""
    head = head_of(rows)
    facts = {"format": FORMAT, "rows": len(rows), "head": f"{head.seq}:{head.chain_hash}"}
    yield json.dumps({**facts, "merkle_root": root_of(row["chain_hash"] for row in rows), "exported_at": exported_at})
    for row in rows:
        yield json.dumps({"seq": int(row["seq"]), **_images(row)}, ensure_ascii=False)


def read_export(lines: Iterable[str]) -> Export:
    """Return the export after verifying it by itself; AiproError says at which line it is damaged."""
    every = iter(lines)
    facts = _json(next(every, ""), 1)
    if facts.get("format") != FORMAT:
        raise AiproError(f"line 1: no exported ledger of format {FORMAT}")
    rows, before = {}, GENESIS_HASH
    for number, line in enumerate(every, start=2):
        row = _json(line, number)
        _verify_line(row, number, before)
        before = row["chain_hash"]
        rows[int(row["seq"])] = row
    root = root_of(row["chain_hash"] for row in rows.values())
    told = (facts.get("rows"), facts.get("head"), facts.get("merkle_root"))
    if told != (len(rows), f"{len(rows)}:{before}", root):
        raise AiproError("line 1: its count, head or Merkle root is not that of the rows: the file was cut or changed")
    return Export(Head(len(rows), before), root, rows)


def verify_against(rows: Sequence[Mapping[str, Any]], export: Export) -> list[Fault]:
    """Return every fault of `rows` (in ledger order), which must begin as the export says; each names what it was."""
    faults = [fault for fault in verify(rows, export.head) if fault.kind is not FaultKind.REWRITE]
    named = {fault.seq for fault in faults}
    now = {int(row["seq"]): row for row in rows}
    told = [_told(fault, export, now) for fault in faults]
    if any(fault.kind is not FaultKind.EDIT for fault in faults):
        return told  # rows stand elsewhere now: held against their old places all would differ
    rewritten = [seq for seq, row in export.rows.items() if seq not in named and _content(row) != _content_of(now[seq])]
    return told + [_told(Fault(FaultKind.REWRITE, seq, f"row {seq} was rewritten"), export, now) for seq in rewritten]


def proof_of(rows: Sequence[Mapping[str, Any]], reference: str, size: int | None = None) -> dict[str, Any]:
    """Return the proof that one prediction is under a Merkle root: its pre-images, its place and its audit path.

    `reference`: how its id begins. `size`: rows of the ledger when the root was taken (None: all of today's).
    """
    found = [row for row in rows if str(row["prediction_id"]).startswith(reference.lower())]
    if len(found) != 1:
        raise UsageError(f"{len(found)} predictions begin with {reference!r}: see `aipro predict list`")
    return proof_under(found[0], [row["chain_hash"] for row in rows], size)


def proof_under(row: Mapping[str, Any], chain_hashes: Sequence[str], size: int | None = None) -> dict[str, Any]:
    """Return the proof that one ledger row is under the root of the first `size` chain hashes, given in their order.

    UsageError where it is not among them, or there are fewer.
    """
    size = len(chain_hashes) if size is None else size
    index = int(row["seq"]) - 1
    if not index < size <= len(chain_hashes):
        raise UsageError(f"row {index + 1} is not among the first {size} of the ledger's {len(chain_hashes)} rows")
    entries = [bytes.fromhex(digest) for digest in chain_hashes[:size]]
    path = [node.hex() for node in inclusion_path(entries, index)]
    place = {"seq": index + 1, "rows": size, "path": path, "merkle_root": merkle_root(entries).hex()}
    return {"format": "aipro-proof-1", **_images(row), **place}


def _images(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "prediction": prediction_image(row).decode(),
        "chain": chain_image(row).decode(),
        "prediction_hash": str(row["prediction_hash"]),
        "chain_hash": str(row["chain_hash"]),
    }


def _json(line: str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise AiproError(f"line {number}: no JSON; the file is damaged") from error
    if not isinstance(row, dict):
        raise AiproError(f"line {number}: no JSON object; the file is damaged")
    return row


def _verify_line(row: Mapping[str, Any], number: int, before: str) -> None:
    try:
        hashes = [hashlib.sha256(row[name].encode()).hexdigest() for name in ("prediction", "chain")]
        link, said = json.loads(row["chain"]), json.loads(row["prediction"])
        linked = (link["seq"], link["prev_hash"], link["prediction_hash"])
        whole = hashes == [row["prediction_hash"], row["chain_hash"]]
        whole &= linked == (row["seq"], before, row["prediction_hash"]) and row["seq"] == number - 1
        whole &= isinstance(said, dict)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        whole = False
    if not whole:
        raise AiproError(f"line {number}: its hashes do not fit what it says: the file is damaged or was changed")


def _content(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row says, without its place in the chain."""
    said = {**json.loads(row["prediction"]), **json.loads(row["chain"])}
    return {name: value for name, value in said.items() if name not in {"prev_hash", "prediction_hash", "seq"}}


def _content_of(row: Mapping[str, Any]) -> dict[str, Any]:
    return _content(_images(row))


def _told(fault: Fault, export: Export, now: Mapping[int, Mapping[str, Any]]) -> Fault:
    """Return the fault with what each column was and is, where the row is still in its place."""
    if fault.kind not in {FaultKind.EDIT, FaultKind.REWRITE} or fault.seq not in now or fault.seq not in export.rows:
        return fault
    was, is_ = _content(export.rows[fault.seq]), _content_of(now[fault.seq])
    changes = [f"{name} was {was[name]}, is {is_.get(name)}" for name in sorted(was) if was[name] != is_.get(name)]
    return Fault(fault.kind, fault.seq, f"{fault.message}: {'; '.join(changes)}") if changes else fault
