"""The ledger told to the outside: verified, exported, proved row by row, and its head kept where others can see it."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from aipro_ml.config import Settings
from aipro_ml.db import engine as database
from aipro_ml.db.repositories import models, predictions
from aipro_ml.enums import RunMode
from aipro_ml.errors import AiproError, MissingFileError
from aipro_ml.files import write_whole
from aipro_ml.inference.ledger import GENESIS, Fault, Head, verify
from aipro_ml.inference.ledger_export import Export, export_lines, proof_of, read_export, root_of, verify_against
from aipro_ml.jobs.database import opened
from aipro_ml.jobs.publish import RunReport
from aipro_ml.times import iso_utc
from aipro_ml.training.tracking import experiment_name, tag_models

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeptHead:
    """A head kept outside the database: in which file, and which models spoke since the one before."""

    head: Head
    merkle_root: str
    file: Path
    models: frozenset[str]


def verify_file(settings: Settings, path: Path) -> tuple[int, Export, list[Fault]]:
    """Return (rows, export, faults) of the ledger held against an exported one, which is verified by itself first."""
    try:
        with path.open(encoding="utf-8") as lines:
            export = read_export(line.rstrip("\n") for line in lines)
    except OSError as error:
        raise MissingFileError(f"cannot be read ({error.strerror})", file=str(path)) from error
    except (AiproError, UnicodeDecodeError) as error:
        raise AiproError(f"{path}: {error}") from error
    rows = _rows(settings)
    return len(rows), export, verify_against(rows, export)


def export_ledger(settings: Settings, now: datetime) -> list[str]:
    """Return the exported ledger, a line each; AiproError where it does not hold: nobody could verify the file."""
    rows = _rows(settings)
    _refuse_faults(verify(rows))
    return list(export_lines(rows, iso_utc(now)))


def prove(settings: Settings, reference: str, size: int | None) -> dict[str, Any]:
    """Return the proof that the prediction whose id begins with `reference` stands in the ledger, which must hold."""
    rows = _rows(settings)
    proof = proof_of(rows, reference, size)
    _refuse_faults(verify(rows))
    return proof


def head_facts(settings: Settings) -> dict[str, Any]:
    """Return rows, head (SEQ:HASH) and Merkle root of the ledger."""
    with opened(settings) as engine:
        head, root = _head(engine)
    return {"rows": head.seq, "head": f"{head.seq}:{head.chain_hash}", "merkle_root": root}


def keep_head(engine: Engine, settings: Settings, reports: Sequence[RunReport], now: datetime) -> KeptHead | None:
    """Keep the head outside the database after live runs published something new; None where none did.

    It is the file `ledger/head-<rows>.json` under the home.
    """
    live = [report for report in reports if report.mode is RunMode.LIVE and report.written]
    if not live:
        return None
    head, root = _head(engine)
    path = settings.home / "ledger" / f"head-{head.seq}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    runs = [{"run_id": str(report.run_id), "as_of": iso_utc(report.as_of)} for report in live]
    facts = {"rows": head.seq, "head": f"{head.seq}:{head.chain_hash}", "merkle_root": root, "kept_at": iso_utc(now)}
    write_whole(path, json.dumps({**facts, "runs": runs}, indent=1) + "\n")
    spoke = {prediction.model_id for report in live for prediction in report.slate.predictions}
    return KeptHead(head, root, path, frozenset(spoke))


def tag_head(engine: Engine, settings: Settings, kept: KeptHead) -> str | None:
    """Tag the MLflow runs of the models that spoke with the head; return why MLflow did not take it, or None.

    The predictions and the file stand already: MLflow out of reach is only told of.
    """
    with engine.connect() as connection:
        named = [models.find_model(connection, model_id) for model_id in sorted(kept.models)]
    places = {str(model.id): experiment_name(model.sport, model.bet_type) for model in named}
    told = {"rows": kept.head.seq, "head": f"{kept.head.seq}:{kept.head.chain_hash}", "merkle_root": kept.merkle_root}
    try:
        missing = tag_models(
            database.mlflow_url(settings), places, {f"ledger.{name}": str(value) for name, value in told.items()}
        )
    except AiproError as error:
        _LOGGER.warning("the ledger's head was not tagged in MLflow", extra={"reason": str(error)})
        return str(error)
    return None if not missing else f"{len(missing)} of the models have no run there"


def _head(engine: Engine) -> tuple[Head, str]:
    with engine.connect() as connection:
        hashes = predictions.chain_hashes(connection)
    return (Head(len(hashes), hashes[-1]) if hashes else GENESIS), root_of(hashes)


def _refuse_faults(faults: Sequence[Fault]) -> None:
    if faults:
        more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise AiproError(f"the ledger does not hold: {faults[0].message}{more}; see `aipro ledger verify`")


def _rows(settings: Settings) -> list[dict[str, Any]]:
    with opened(settings) as engine, engine.connect() as connection:
        return predictions.ledger_rows(connection)
