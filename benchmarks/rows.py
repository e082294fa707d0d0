"""Rows to store: as many predictions, ledger rows and explanations as wanted, under keys nobody has."""

import hashlib
import uuid
from dataclasses import dataclass

import pandas as pd
import sqlalchemy as sa

from aipro_ml.db.copy import driver_connection, read_frame
from aipro_ml.db.models.predictions import Prediction, ShapExplanation
from aipro_ml.db.models.warehouse import FactPrediction
from aipro_ml.jobs.predict import PredictionRequest, predict
from benchmarks.league import LAST_SEASON, NOW, Bench

TABLES: tuple[sa.Table, ...] = (Prediction.__table__, FactPrediction.__table__, ShapExplanation.__table__)


@dataclass(frozen=True)
class StoredRows:
    """Frames of `predictions`, `fact_predictions` and `shap_explanations` that belong together."""

    predictions: pd.DataFrame
    ledger: pd.DataFrame
    explanations: pd.DataFrame


@dataclass(frozen=True)
class ReadyCopy:
    """The same rows as Python tuples, ready for COPY; nothing is left to convert but the driver's text."""

    tables: list[tuple[sa.Table, list[str], list[tuple[object, ...]]]]

    def load(self, connection: sa.Connection) -> None:
        """COPY all rows into their tables."""
        for table, columns, rows in self.tables:
            statement = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN"
            with driver_connection(connection).cursor() as cursor, cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)


def stored_rows(bench: Bench, count: int) -> StoredRows:
    """Return `count` predictions with all that belongs to them: those of week 1, again and again under new keys."""
    predict(bench.engine, bench.settings, PredictionRequest(bench.league.code, NOW, season=LAST_SEASON, week=1))
    with bench.engine.connect() as connection:
        frames = [read_frame(connection, sa.select(*table.c)) for table in TABLES]
    copies = -(-count // len(frames[0]))
    parts = [_renamed(frames, number) for number in range(copies)]
    predictions, ledger, explanations = (pd.concat(part, ignore_index=True) for part in zip(*parts, strict=True))
    kept = predictions["id"].iloc[:count]
    return StoredRows(
        predictions.iloc[:count],
        ledger[ledger["prediction_id"].isin(kept)],
        explanations[explanations["prediction_id"].isin(kept)],
    )


def ready_copy(rows: StoredRows) -> ReadyCopy:
    """Return the rows as tuples of plain Python values."""
    frames = (rows.predictions, rows.ledger, rows.explanations)
    return ReadyCopy([(table, list(f.columns), _tuples(f)) for table, f in zip(TABLES, frames, strict=True)])


def _tuples(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    plain = frame.astype(object).where(frame.notna(), None)
    return list(plain.itertuples(index=False, name=None))


def _renamed(frames: list[pd.DataFrame], number: int) -> list[pd.DataFrame]:
    predictions, ledger, explanations = frames

    def key(value: object) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{value}{number}"))

    def digest(value: object) -> str:
        return hashlib.sha256(f"{value}{number}".encode()).hexdigest()

    hashes = {name: ledger[name].map(digest) for name in ("prediction_hash", "prev_hash", "chain_hash")}
    return [
        predictions.assign(id=predictions["id"].map(key), prediction_hash=predictions["prediction_hash"].map(digest)),
        ledger.assign(
            id=ledger["id"].map(key),
            prediction_id=ledger["prediction_id"].map(key),
            seq=ledger["seq"] + (number + 1) * len(ledger),
            **hashes,
        ),
        explanations.assign(id=explanations["id"].map(key), prediction_id=explanations["prediction_id"].map(key)),
    ]
