"""Stored feature vectors: written in batches, each with its materialisation, and their statistics."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select, text, update
from sqlalchemy.dialects.postgresql import insert

from aipro_ml.db.copy import UpsertCount, insert_new, read_frame, upsert
from aipro_ml.db.models.feature_store import FeatureMaterialization, FeatureSet, FeatureStatistic, FeatureVector
from aipro_ml.enums import RunStatus
from aipro_ml.identity import derive_id, derive_ids

_SERVED = text(
    """
    SELECT f.prediction_id::text AS prediction_id, f.bet_type, f.game_id::text AS game_id, f.as_of,
           f.model_id::text AS model_id, v.feature_values, m.performance_metrics->'features' AS features,
           m.performance_metrics->'identity'->>'feature_set' AS trained_version
    FROM fact_predictions f
    JOIN ml_models m ON m.id = f.model_id JOIN sports s ON s.id = m.sport_id
    LEFT JOIN feature_sets fs ON fs.sport_id = m.sport_id AND fs.bet_type = f.bet_type
         AND fs.feature_names = m.performance_metrics->'features' AND fs.version = :version
    LEFT JOIN feature_vectors v ON v.feature_set_id = fs.id AND v.game_id = f.game_id AND v.as_of = f.as_of
    WHERE s.code = :sport AND f.bet_type = :bet_type
    ORDER BY f.seq
    """
)
_EXPLAINED = text(
    """
    SELECT x.prediction_id::text AS prediction_id, x.feature_name, x.feature_value::float8 AS feature_value
    FROM shap_explanations x JOIN fact_predictions f ON f.prediction_id = x.prediction_id
    JOIN ml_models m ON m.id = f.model_id JOIN sports s ON s.id = m.sport_id
    WHERE s.code = :sport AND f.bet_type = :bet_type AND NOT starts_with(x.feature_name, '(')
    ORDER BY f.seq, x.rank
    """
)


def stored_vectors(connection: Connection, set_id: UUID) -> pd.DataFrame:
    """Return game_id, as_of and vector_hash of every vector of a set."""
    row = FeatureVector
    statement = select(row.game_id, row.as_of, row.vector_hash).where(row.feature_set_id == set_id)
    return read_frame(connection, statement.order_by(row.as_of, row.game_id))


def vector_values(connection: Connection, set_id: UUID, season: int | None = None) -> pd.DataFrame:
    """Return the vectors of a set (of one season): game_id, season, as_of, and one float column a feature."""
    names = connection.scalar(select(FeatureSet.feature_names).where(FeatureSet.id == set_id)) or []
    statement = text(
        """
        SELECT v.game_id::text AS game_id, s.year AS season, v.as_of, v.feature_values
        FROM feature_vectors v JOIN games g ON g.id = v.game_id JOIN seasons s ON s.id = g.season_id
        WHERE v.feature_set_id = :set AND (CAST(:season AS int) IS NULL OR s.year = :season)
        ORDER BY v.as_of, v.game_id
        """
    )
    frame = read_frame(connection, statement.bindparams(set=set_id, season=season))
    values = np.array(frame.pop("feature_values").tolist(), dtype=np.float64).reshape(len(frame), len(names))
    return pd.concat([frame, pd.DataFrame(values, columns=names)], axis=1)


def save_vectors(
    connection: Connection, set_id: UUID, vectors: pd.DataFrame, now: datetime, batch: UUID | None = None
) -> int:
    """Store vectors (columns game_id, as_of, feature_values, vector_hash); return the new ones."""
    return insert_new(connection, FeatureVector.__table__, _rows(set_id, vectors, now, batch))


def save_vectors_of_sets(connection: Connection, vectors: pd.DataFrame, now: datetime) -> int:
    """Store vectors as `save_vectors` does, of several sets at once (column feature_set_id); return the new ones."""
    return insert_new(connection, FeatureVector.__table__, _rows(vectors["feature_set_id"], vectors, now, None))


def replace_vectors(
    connection: Connection, set_id: UUID, vectors: pd.DataFrame, now: datetime, batch: UUID
) -> UpsertCount:
    """Store vectors, bringing those of the same game and moment to their new values."""
    changing = ("feature_values", "vector_hash", "materialization_id")
    rows = _rows(set_id, vectors, now, batch)
    return upsert(connection, FeatureVector.__table__, rows, key=("id",), update=changing)


def _rows(set_id: UUID | pd.Series, vectors: pd.DataFrame, now: datetime, batch: UUID | None) -> pd.DataFrame:
    sets = [set_id] * len(vectors) if isinstance(set_id, UUID) else set_id.tolist()
    moments = vectors["as_of"].dt.strftime("%Y-%m-%dT%H:%M:%S.%f")
    return vectors[["game_id", "as_of", "feature_values", "vector_hash"]].assign(
        id=derive_ids("feature_vector", sets, vectors["game_id"], moments),
        feature_set_id=sets,
        materialization_id=batch,
        created_at=pd.Timestamp(now),
    )


def start_materialization(connection: Connection, row_id: UUID, set_id: UUID, now: datetime) -> None:
    """Note that a batch of a set is being materialised."""
    values = {"id": row_id, "feature_set_id": set_id, "status": RunStatus.RUNNING, "started_at": now}
    connection.execute(insert(FeatureMaterialization).values(**values))


def finish_materialization(connection: Connection, row_id: UUID, values: Mapping[str, Any]) -> None:
    """Set what is known at the end of a materialisation."""
    row = FeatureMaterialization
    connection.execute(update(row).where(row.id == row_id).values(**values))


def fail_abandoned(connection: Connection, sport: str, now: datetime) -> int:
    """Mark the sport's running materialisations failed; the caller knows that no process is at them any more."""
    row = FeatureMaterialization
    sets = select(FeatureSet.id).where(FeatureSet.sport_id == derive_id("sport", sport))
    left = (row.status == RunStatus.RUNNING) & row.feature_set_id.in_(sets)
    values = {"status": RunStatus.FAILED, "completed_at": now, "error_message": "the process ended"}
    return connection.execute(update(row).where(left).values(**values)).rowcount


def save_statistics(connection: Connection, set_id: UUID, table: pd.DataFrame, now: datetime) -> UpsertCount:
    """Store statistics (columns of `features.statistics.feature_statistics`), one row a feature and season."""
    rows = table.drop(columns="season").assign(
        id=derive_ids("feature_statistic", [set_id] * len(table), table["feature_name"], table["season"]),
        feature_set_id=set_id,
        computed_at=pd.Timestamp(now),
    )
    changing = [name for name in table.columns if name not in {"season", "feature_name"}]
    return upsert(connection, FeatureStatistic.__table__, rows, key=("id",), update=changing)


def statistics_of(connection: Connection, set_id: UUID) -> pd.DataFrame:
    """Return the stored statistics of a set, columns as `features.statistics.STATISTIC_COLUMNS`, by season and feature.

    A window belongs to the season in which it begins.
    """
    statement = text(
        """
        SELECT t.feature_name, w.season, t.window_start, t.window_end, t.row_count, t.null_rate, t.mean, t.std_dev,
               t.minimum, t.maximum, t.quantiles
        FROM feature_statistics t JOIN (
            SELECT s.year AS season, min(v.as_of) AS first, max(v.as_of) AS last FROM feature_vectors v
            JOIN games g ON g.id = v.game_id JOIN seasons s ON s.id = g.season_id
            WHERE v.feature_set_id = :set GROUP BY s.year
        ) w ON t.window_start BETWEEN w.first AND w.last
        WHERE t.feature_set_id = :set ORDER BY w.season, t.feature_name
        """
    )
    return read_frame(connection, statement.bindparams(set=set_id))


def served_vectors(connection: Connection, sport: str, bet_type: str, version: str) -> pd.DataFrame:
    """Return each published prediction with the vector stored for it (None: none of this version), in ledger order.

    Columns prediction_id, bet_type, game_id, as_of, model_id, feature_values, features (the model's names) and
    trained_version (of the feature set the model was trained on).
    """
    return read_frame(connection, _SERVED.bindparams(sport=sport, bet_type=bet_type, version=version))


def explained_values(connection: Connection, sport: str, bet_type: str) -> pd.DataFrame:
    """Return the feature values stored with the explanations: prediction_id, feature_name, feature_value."""
    return read_frame(connection, _EXPLAINED.bindparams(sport=sport, bet_type=bet_type))
