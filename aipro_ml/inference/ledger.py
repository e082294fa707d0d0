"""The append-only ledger: each row is chained to the one before, so that a later change is found."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from aipro_ml.identity import derive_ids
from aipro_ml.inference.prediction import (
    PREDICTION_FIELDS,
    Prediction,
    canonical_members,
    canonical_row,
    prediction_hash_of,
    prediction_hashes,
)
from aipro_ml.times import ensure_utc

GENESIS_HASH = "0" * 64

EXTRA_COLUMNS = (
    "blend_version",
    "calibrated_probability",
    "calibration_version",
    "ev",
    "fair_probability",
    "id",
    "model_probability",
    "prediction_id",
    "probability_high",
    "probability_low",
    "push_probability",
    "run_id",
    "sportsbook_id",
)
"""Ledger columns outside the prediction hash; the chain hash covers them, and `created_at` (in rows of before not)."""

_SEARCHED_SUSPECTS = 64  # pairwise search for exchanged contents stops here: beyond it every row is an edit


class FaultKind(StrEnum):
    """What was done to the ledger."""

    EDIT = "edit"
    DELETION = "deletion"
    SWAP = "swap"
    INSERTION = "insertion"
    TRUNCATION = "truncation"
    REWRITE = "rewrite"


@dataclass(frozen=True)
class Head:
    """The last row of a ledger: `seq` (0 = empty) and its chain hash; kept elsewhere, it proves the rest."""

    seq: int
    chain_hash: str


@dataclass(frozen=True)
class Fault:
    """One finding of `verify`: what happened, at which row, in words."""

    kind: FaultKind
    seq: int
    message: str


GENESIS = Head(0, GENESIS_HASH)


def extend(
    head: Head,
    predictions: Iterable[Prediction],
    run_id: str,
    sportsbook_ids: Mapping[str, str],
    created_at: datetime | None = None,
) -> list[dict[str, Any]]:
    """Return the ledger rows (columns of `fact_predictions`) that follow `head`, written at `created_at`.

    `sportsbook_ids` maps a book's name to its identifier. The last row's (seq, chain_hash) is the new head. Without
    `created_at` rows are as they were before the chain covered it.
    """
    columns = ledger_columns(head, list(predictions), run_id, sportsbook_ids, created_at)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def ledger_columns(
    head: Head,
    predictions: Sequence[Prediction],
    run_id: str,
    sportsbook_ids: Mapping[str, str],
    created_at: datetime | None = None,
) -> dict[str, list[Any]]:
    """Return the rows of `extend` by column: only the chain itself needs one row after the other."""
    count, digests = len(predictions), prediction_hashes(predictions)
    columns: dict[str, list[Any]] = {
        name: [getattr(prediction, name) for prediction in predictions] for name in PREDICTION_FIELDS
    }
    books = columns.pop("book")
    columns |= {
        "id": list(map(str, derive_ids("ledger", digests))),
        "prediction_id": [prediction.key for prediction in predictions],
        "run_id": [run_id] * count,
        "sportsbook_id": [None if book is None else sportsbook_ids[book] for book in books],
        "seq": list(range(head.seq + 1, head.seq + 1 + count)),
        "prediction_hash": digests,
        **({} if created_at is None else {"created_at": [ensure_utc(created_at)] * count}),
    }
    chain = _chained(head.chain_hash, columns)
    return {**columns, "prev_hash": [head.chain_hash, *chain][:count], "chain_hash": chain}


def _chained(last: str, columns: Mapping[str, Sequence[Any]]) -> list[str]:
    """Return the chain hash of each row that follows the hash `last`: that of `chain_hash_of`, row after row."""
    names = (*EXTRA_COLUMNS, "prediction_hash", "seq", *(("created_at",) if "created_at" in columns else ()))
    before = canonical_members({name: columns[name] for name in names if name < "prev_hash"})
    behind = canonical_members({name: columns[name] for name in names if name > "prev_hash"})
    chain = []
    for one, other in zip(before, behind, strict=True):
        last = hashlib.sha256(f'{{{one},"prev_hash":"{last}",{other}}}'.encode()).hexdigest()
        chain.append(last)
    return chain


def head_of(rows: Sequence[Mapping[str, Any]]) -> Head:
    """Return the head of `rows` in ledger order."""
    return Head(int(rows[-1]["seq"]), str(rows[-1]["chain_hash"])) if rows else GENESIS


def chain_hash_of(row: Mapping[str, Any], seq: int | None = None) -> str:
    """Return the chain hash of `row`, as if it stood at `seq` where that is given."""
    return hashlib.sha256(_image(row, seq)).hexdigest()


def is_chained(row: Mapping[str, Any], seq: int | None = None) -> bool:
    """Return whether the chain hash of `row` is that of its content, at `seq` where that is given."""
    return _fitting(row, seq) is not None


def chain_image(row: Mapping[str, Any]) -> bytes:
    """Return what the chain hash of a ledger row is the SHA-256 of; where it is of nothing, what it should be of."""
    fitting = _fitting(row, None)
    return _image(row, None) if fitting is None else fitting


def _fitting(row: Mapping[str, Any], seq: int | None) -> bytes | None:
    """Return the image the row's chain hash is of: with the time of writing, or without it, as rows of before."""
    image = _image(row, seq)
    if hashlib.sha256(image).hexdigest() == row["chain_hash"]:
        return image
    old = _image({name: value for name, value in row.items() if name != "created_at"}, seq)
    return old if hashlib.sha256(old).hexdigest() == row["chain_hash"] else None


def _image(row: Mapping[str, Any], seq: int | None) -> bytes:
    names = (*EXTRA_COLUMNS, "prev_hash", "prediction_hash", *(("created_at",) if "created_at" in row else ()))
    return canonical_row({**{name: row[name] for name in names}, "seq": row["seq"] if seq is None else seq})


def verify(rows: Sequence[Mapping[str, Any]], head: Head | None = None) -> list[Fault]:
    """Return every fault of `rows`, given in ledger order; an untouched ledger gives none.

    Without a `head` kept elsewhere, a cut tail or a chain rewritten to its end cannot be seen: both are
    consistent ledgers. A head that was exported earlier is enough; rows after it are growth, not faults.
    """
    known, faults, forged = _placed(rows, _true_places(rows))
    missing = set(range(1, max(known, default=0) + 1)) - set(known)
    faults += _forged_faults(forged, missing, known, head)
    faults += [Fault(FaultKind.DELETION, seq, f"row {seq} is gone") for seq in missing]
    faults += _edits(known)
    faults += _order_faults(rows, known, renumbered=bool(missing or len(rows) > len(known)))
    faults += _head_faults(known, faults, head)
    return sorted(set(faults), key=lambda fault: (fault.seq, fault.kind))


def _true_places(rows: Sequence[Mapping[str, Any]]) -> list[int | None]:
    """Return for each row the seq its chain hash was computed for, None where no likely one fits."""
    own = [is_chained(row) for row in rows]
    linked = {row["chain_hash"]: int(row["seq"]) for row, valid in zip(rows, own, strict=True) if valid}
    places: list[int | None] = []
    shift = 0  # rows behind an insertion or a deletion may have been renumbered together
    for row, valid in zip(rows, own, strict=True):
        seq = int(row["seq"])
        guesses = (seq + shift, seq - 1, seq + 1, linked.get(row["prev_hash"], 0) + 1)
        fits = (guess for guess in guesses if is_chained(row, guess))
        place = seq if valid else next(fits, None)
        shift = shift if place is None else place - seq
        places.append(place)
    return places


def _placed(
    rows: Sequence[Mapping[str, Any]], places: Sequence[int | None]
) -> tuple[dict[int, Mapping[str, Any]], list[Fault], list[Mapping[str, Any]]]:
    """Return the row of each place, an insertion a second row of one place, and the rows of none."""
    followed = {row["prev_hash"] for row in rows}
    known: dict[int, Mapping[str, Any]] = {}
    faults, forged = [], []
    for row, place in zip(rows, places, strict=True):
        if place is None:
            forged.append(row)
            continue
        if place in known:
            faults.append(_insertion(place))
        if place not in known or known[place]["chain_hash"] not in followed:
            known[place] = row
    return known, faults, forged


def _insertion(seq: int) -> Fault:
    return Fault(FaultKind.INSERTION, seq, f"a row that the chain does not know was inserted at {seq}")


def _forged_faults(
    forged: Sequence[Mapping[str, Any]],
    missing: set[int],
    known: Mapping[int, Mapping[str, Any]],
    head: Head | None,
) -> list[Fault]:
    """Name the rows whose chain hash fits nowhere; takes the places they stand for out of `missing`."""
    exchanged = _exchanged(forged)
    last = max([*known, head.seq if head else 0])
    faults = []
    for row in forged:
        seq = int(row["seq"])
        if seq in missing or (seq not in known and (head is None or seq <= last)):
            missing.discard(seq)
            swapped = seq in exchanged
            what = "holds the content of another row" if swapped else "was changed"
            faults.append(Fault(FaultKind.SWAP if swapped else FaultKind.EDIT, seq, f"row {seq} {what}"))
        else:
            faults.append(_insertion(seq))
    return faults


def _exchanged(forged: Sequence[Mapping[str, Any]]) -> set[int]:
    """Return the seqs of rows that hold another suspect's content under their own place in the chain."""
    if len(forged) > _SEARCHED_SUSPECTS:
        return set()
    place = ("seq", "prev_hash", "chain_hash")
    return {
        int(one["seq"])
        for one in forged
        for other in forged
        if is_chained({**other, **{name: one[name] for name in place}})
    }


def _edits(known: Mapping[int, Mapping[str, Any]]) -> list[Fault]:
    """Return rows whose content does not give their hash, or whose hash is not what the next row saw."""
    faults = []
    for seq, row in known.items():
        if prediction_hash_of(row) != row["prediction_hash"]:
            faults.append(Fault(FaultKind.EDIT, seq, f"row {seq} was changed: its prediction hash differs"))
        follower = known.get(seq + 1)
        rehashed = follower is not None and follower["prev_hash"] != row["chain_hash"]
        if rehashed or (seq == 1 and row["prev_hash"] != GENESIS_HASH):
            faults.append(Fault(FaultKind.EDIT, seq, f"row {seq} was changed and hashed anew"))
    return faults


def _order_faults(
    rows: Sequence[Mapping[str, Any]], known: Mapping[int, Mapping[str, Any]], *, renumbered: bool
) -> list[Fault]:
    """Return rows that stand, or are numbered, where another row belongs."""
    order = [int(row["seq"]) for row in rows]
    displaced = {seq for seq, due in zip(order, sorted(order), strict=True) if seq != due}
    stored = {place: int(row["seq"]) for place, row in known.items() if place != int(row["seq"])}
    mutual = {place for place, seq in stored.items() if stored.get(seq) == place}
    faults = [Fault(FaultKind.SWAP, seq, f"row {seq} stands in another row's place") for seq in displaced | mutual]
    if not renumbered:
        faults += [
            Fault(FaultKind.EDIT, place, f"row {place} was numbered {seq}")
            for place, seq in stored.items()
            if place not in mutual
        ]
    return faults


def _head_faults(known: Mapping[int, Mapping[str, Any]], faults: Sequence[Fault], head: Head | None) -> list[Fault]:
    if head is None or head == GENESIS:
        return []
    if head.seq == 0:
        return [Fault(FaultKind.REWRITE, 0, "no ledger of no rows has this head: an empty one's is 64 zeros")]
    last = max([*known, *(fault.seq for fault in faults)], default=0)
    if head.seq > last:
        message = f"rows {last + 1} to {head.seq} were cut off"
        return [Fault(FaultKind.TRUNCATION, last + 1, message)]
    if not faults and known[head.seq]["chain_hash"] != head.chain_hash:
        message = f"the ledger up to row {head.seq} is not the one this head was taken from"
        return [Fault(FaultKind.REWRITE, head.seq, message)]
    return []
