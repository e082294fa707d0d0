"""Grades of predictions, superseded grades, and daily performance of models."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, delete, text, tuple_

from aipro_ml.db.copy import UpsertCount, insert_new, read_frame, upsert
from aipro_ml.db.locks import wait_for
from aipro_ml.db.models.ml import ModelPerformance
from aipro_ml.db.models.predictions import PredictionResult
from aipro_ml.db.models.users import AuditLog
from aipro_ml.identity import derive_id

_GRADABLE = text(
    """
    SELECT p.id::text AS prediction_id, p.game_id::text AS game_id, p.model_id::text AS model_id, p.bet_type,
           p.predicted_side, p.probability, p.edge, p.signal_tier, p.kelly_fraction, p.line_at_prediction,
           p.odds_at_prediction::float8 AS odds_at_prediction, f.ev, f.fair_probability, f.as_of, f.seq, run.mode,
           f.sportsbook_id::text AS sportsbook_id, book.name AS book, season.year AS season, g.week::float8 AS week,
           coalesce(champion.is_this, FALSE) AS in_production,
           g.game_date AS kickoff, known.kickoff AS kickoff_known, g.status, g.home_score::float8 AS home_score,
           g.away_score::float8 AS away_score, coalesce(g.overtime, FALSE) AS overtime,
           r.actual_result, r.profit_loss, r.clv, r.closing_line, r.graded_at
    FROM predictions p
    JOIN fact_predictions f ON f.prediction_id = p.id
    JOIN fact_prediction_runs run ON run.id = f.run_id
    JOIN games g ON g.id = p.game_id
    JOIN sports s ON s.id = g.sport_id
    JOIN seasons season ON season.id = g.season_id
    LEFT JOIN sportsbooks book ON book.id = f.sportsbook_id
    LEFT JOIN prediction_results r ON r.prediction_id = p.id
    LEFT JOIN LATERAL (
        SELECT CASE WHEN v.kickoff_estimated THEN NULL ELSE v.game_date END AS kickoff FROM game_revisions v
        WHERE v.game_id = p.game_id AND v.known_at <= f.as_of ORDER BY v.known_at DESC, v.revision DESC LIMIT 1
    ) known ON TRUE
    LEFT JOIN LATERAL (
        SELECT d.model_id = p.model_id AS is_this FROM fact_model_promotions d
        WHERE d.sport_id = g.sport_id AND d.bet_type = p.bet_type AND d.decided_at <= run.started_at
          AND (d.action <> 'promote' OR d.verdict = 'PROMOTE')
        ORDER BY d.decided_at DESC LIMIT 1
    ) champion ON TRUE
    WHERE s.code = :sport AND (CAST(:ids AS uuid[]) IS NULL OR p.id = ANY(CAST(:ids AS uuid[])))
    ORDER BY f.seq
    """
)


def predictions_to_grade(connection: Connection, sport: str, ids: Iterable[object] | None = None) -> pd.DataFrame:
    """Return every prediction of the sport (only these `ids`) with its game's present state and its grade, if any.

    `kickoff_known`: the kick-off as known at as_of, missing where it was estimated. `in_production`: whether the model
    was its bet type's production model when the run was computed; else it spoke as a shadow.
    """
    only = None if ids is None else [str(each) for each in ids]
    return read_frame(connection, _GRADABLE.bindparams(sport=sport, ids=only))


def regrades(connection: Connection, prediction_ids: Sequence[str]) -> pd.DataFrame:
    """Return the superseded grades of predictions, oldest first: at, prediction_id and `details` as kept."""
    statement = text(
        """
        SELECT created_at AS at, resource_id AS prediction_id, details FROM audit_logs
        WHERE action = 'regrade' AND resource = 'prediction_results' AND resource_id = ANY(:ids)
        ORDER BY created_at, resource_id
        """
    )
    return read_frame(connection, statement.bindparams(ids=list(prediction_ids)))


def save_results(connection: Connection, results: pd.DataFrame) -> UpsertCount:
    """Store grades (columns of `prediction_results`); a changed grade replaces the stored one."""
    changing = ("actual_result", "profit_loss", "clv", "closing_line", "graded_at")
    return upsert(connection, PredictionResult.__table__, results, key=("id",), update=changing)


def withdraw_results(connection: Connection, prediction_ids: Sequence[str]) -> int:
    """Remove the grades of predictions whose game is not final any more; return how many there were."""
    row = PredictionResult
    return connection.execute(delete(row).where(row.prediction_id.in_(prediction_ids))).rowcount


def lock_grades(connection: Connection, code: str) -> None:
    """Wait for the exclusive right to grade the sport `code` until this transaction ends."""
    wait_for(connection, f"grades {code}")


def keep_superseded(connection: Connection, grades: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """Write superseded grades (keys prediction_id and what it said) to the audit log."""
    rows = pd.DataFrame(
        {
            "id": [derive_id("regrade", grade["prediction_id"], now.isoformat()) for grade in grades],
            "action": "regrade",
            "resource": "prediction_results",
            "resource_id": [str(grade["prediction_id"]) for grade in grades],
            "details": [dict(grade) for grade in grades],
            "created_at": pd.Timestamp(now),
        }
    )
    return insert_new(connection, AuditLog.__table__, rows)


def save_performance(connection: Connection, days: pd.DataFrame) -> UpsertCount:
    """Store one row per model and day (columns of `model_performance`)."""
    figures = ("accuracy", "auc", "log_loss", "brier_score", "calibration_error", "predictions_count")
    return upsert(connection, ModelPerformance.__table__, days, key=("id",), update=figures)


def drop_performance(connection: Connection, days: pd.DataFrame) -> int:
    """Remove the rows of these days (columns model_id, date), on which nothing is graded any more; return how many."""
    row, gone = ModelPerformance, list(days[["model_id", "date"]].itertuples(index=False, name=None))
    return connection.execute(delete(row).where(tuple_(row.model_id, row.date).in_(gone))).rowcount if gone else 0


def list_performance(connection: Connection, sport: str, limit: int) -> list[dict[str, object]]:
    """Return the latest days of performance of the sport's models; `mode` says which predictions a day counts."""
    statement = text(
        """
        SELECT p.date, m.bet_type, m.framework, p.model_id, CASE WHEN EXISTS (
                   SELECT FROM fact_predictions f JOIN fact_prediction_runs r ON r.id = f.run_id AND r.mode = 'live'
                   JOIN games g ON g.id = f.game_id JOIN prediction_results x ON x.prediction_id = f.prediction_id
                   WHERE f.model_id = p.model_id AND g.game_date::date = p.date AND f.as_of < g.game_date
                     AND x.actual_result IN ('win', 'half_win', 'loss', 'half_loss')
               ) THEN 'live' ELSE 'backfilled' END AS mode, p.predictions_count AS n, p.accuracy, p.auc,
               p.log_loss, p.brier_score AS brier, p.calibration_error AS ece
        FROM model_performance p JOIN ml_models m ON m.id = p.model_id JOIN sports s ON s.id = m.sport_id
        WHERE s.code = :sport ORDER BY p.date DESC, m.bet_type, p.model_id LIMIT :limit
        """
    )
    found = read_frame(connection, statement.bindparams(sport=sport, limit=limit))
    return [{str(name): value for name, value in row.items()} for row in found.to_dict("records")]
