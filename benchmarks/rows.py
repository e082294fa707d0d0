"""Rows to store: as many predictions, ledger rows and explanations as wanted, under keys nobody has."""

import hashlib
import uuid
from dataclasses import dataclass

import pandas as pd
import sqlalchemy as sa

from aipro_ml.db.copy import driver_connection, read_frame
from aipro_ml.db.models.feature_store import FeatureVector
from aipro_ml.db.models.predictions import Prediction, ShapExplanation
from aipro_ml.db.models.warehouse import FactPrediction
from aipro_ml.jobs.predict import PredictionRequest, predict
from benchmarks.league import LAST_SEASON, NOW, Bench

VECTORS: sa.Table = FeatureVector.__table__
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


def ready_copy(rows: StoredRows, vectors: pd.DataFrame | None = None) -> ReadyCopy:
    """Return the rows as tuples of plain Python values, with the `feature_vectors` served beside them."""
    frames = [(*TABLES, VECTORS), (rows.predictions, rows.ledger, rows.explanations, vectors)]
    told = [(table, frame) for table, frame in zip(*frames, strict=True) if frame is not None]
    return ReadyCopy([(table, list(frame.columns), _tuples(frame)) for table, frame in told])


def served_vectors(connection: sa.Connection, count: int) -> pd.DataFrame:
    """Return `count` of the vectors that stored predictions were served, again and again under new keys and moments."""
    stored = read_frame(connection, sa.select(*VECTORS.c))
    copies = -(-count // len(stored))
    again = pd.concat([stored] * copies, ignore_index=True).iloc[:count]
    turn = pd.to_timedelta(again.index // len(stored) + 1, unit="us")  # one vector a set, game and moment
    keys = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"{key}{number}")) for number, key in enumerate(again["id"])]
    # as the text COPY sends: turning lists into it is the driver's slowest work, and none of the limit's
    values = [
        "{" + ",".join("NULL" if value is None else repr(value) for value in row) + "}"
        for row in again["feature_values"]
    ]
    return again.assign(id=keys, as_of=again["as_of"] + turn, feature_values=values)


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
