"""Prediction runs, predictions, the append-only ledger and explanations."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import pandas as pd
from sqlalchemy import Connection, select, text, update
from sqlalchemy.dialects.postgresql import insert

from aipro_ml.db.copy import copy_rows, read_frame
from aipro_ml.db.locks import wait_for
from aipro_ml.db.models.predictions import Prediction, ShapExplanation
from aipro_ml.db.models.warehouse import FactPrediction, FactPredictionRun
from aipro_ml.times import ensure_utc

_LIST = text(
    """
    SELECT p.id, g.game_date AS kickoff, away.abbreviation || ' @ ' || home.abbreviation AS game, p.bet_type,
           p.predicted_side AS side, p.line_at_prediction AS line, p.odds_at_prediction AS price, p.probability,
           p.edge, f.ev, p.kelly_fraction AS kelly, p.signal_tier AS tier, f.as_of, run.mode,
           r.actual_result AS result, r.profit_loss AS profit, r.clv
    FROM predictions p
    JOIN fact_predictions f ON f.prediction_id = p.id
    JOIN fact_prediction_runs run ON run.id = f.run_id
    JOIN games g ON g.id = p.game_id
    JOIN sports s ON s.id = g.sport_id
    JOIN teams home ON home.id = g.home_team_id
    JOIN teams away ON away.id = g.away_team_id
    LEFT JOIN prediction_results r ON r.prediction_id = p.id
    WHERE s.code = :sport AND g.game_date >= :since AND g.game_date < :until
    ORDER BY g.game_date, game, p.bet_type, f.seq
    """
)


def lock_ledger(connection: Connection) -> None:
    """Wait for the exclusive right to append to the ledger until this transaction ends."""
    wait_for(connection, "ledger")


def ledger_head(connection: Connection) -> tuple[int, str] | None:
    """Return (seq, chain_hash) of the last ledger row, or None for an empty ledger."""
    row = connection.execute(
        select(FactPrediction.seq, FactPrediction.chain_hash).order_by(FactPrediction.seq.desc()).limit(1)
    ).one_or_none()
    return None if row is None else (row.seq, row.chain_hash)


def ledger_rows(connection: Connection) -> list[dict[str, Any]]:
    """Return every ledger row in its order."""
    statement = select(*FactPrediction.__table__.c).order_by(FactPrediction.seq)
    return [dict(row) for row in connection.execute(statement).mappings()]


def known_hashes(connection: Connection, hashes: list[str]) -> set[str]:
    """Return which of these prediction hashes are stored already."""
    statement = select(Prediction.prediction_hash).where(Prediction.prediction_hash.in_(hashes))
    return {found for found in connection.scalars(statement) if found is not None}


def save_run(connection: Connection, values: Mapping[str, Any]) -> bool:
    """Store a prediction run (columns of `fact_prediction_runs`); True if it is new."""
    statement = insert(FactPredictionRun).values(**values).on_conflict_do_nothing()
    return connection.scalar(statement.returning(FactPredictionRun.id)) is not None


def update_run(connection: Connection, run_id: UUID, values: Mapping[str, Any]) -> None:
    """Set columns of a stored run."""
    connection.execute(update(FactPredictionRun).where(FactPredictionRun.id == run_id).values(**values))


def run_games(connection: Connection, run_id: UUID) -> list[str] | None:
    """Return the games a stored run decided, or None where there is no such run."""
    versions = connection.scalar(select(FactPredictionRun.versions).where(FactPredictionRun.id == run_id))
    return None if versions is None else list(versions["games"])


def run_versions(connection: Connection, run_id: UUID) -> dict[str, Any]:
    """Return what a stored run says it used: code, policy, models, games."""
    return dict(connection.scalar(select(FactPredictionRun.versions).where(FactPredictionRun.id == run_id)) or {})


def save_predictions(
    connection: Connection, predictions: pd.DataFrame, ledger: pd.DataFrame, explanations: pd.DataFrame
) -> None:
    """Append predictions, their ledger rows and their explanations."""
    copy_rows(connection, Prediction.__table__, predictions)
    copy_rows(connection, FactPrediction.__table__, ledger)
    copy_rows(connection, ShapExplanation.__table__, explanations)


def list_predictions(connection: Connection, sport: str, since: datetime, until: datetime) -> pd.DataFrame:
    """Return published predictions of games that kick off in [since, until), with their grades."""
    return read_frame(connection, _LIST.bindparams(sport=sport, since=_naive(since), until=_naive(until)))


def explanation_of(connection: Connection, reference: str) -> pd.DataFrame:
    """Return the explanation rows of the prediction whose id begins with `reference`, by rank."""
    statement = text(
        """
        SELECT prediction_id, rank, feature_name, feature_value, shap_value, impact_direction
        FROM shap_explanations WHERE starts_with(prediction_id::text, :reference)
        ORDER BY prediction_id, rank
        """
    )
    return read_frame(connection, statement.bindparams(reference=reference.lower()))


def list_runs(connection: Connection, sport: str, limit: int) -> list[dict[str, object]]:
    """Return the latest prediction runs of a sport."""
    statement = text(
        """
        SELECT r.id, r.as_of, r.mode, r.status, r.games_count AS games, r.published_count AS published,
               r.abstained_count AS abstained, r.completed_at
        FROM fact_prediction_runs r JOIN sports s ON s.id = r.sport_id
        WHERE s.code = :sport ORDER BY r.as_of DESC, r.id LIMIT :limit
        """
    )
    found = read_frame(connection, statement.bindparams(sport=sport, limit=limit))
    return [{str(name): value for name, value in row.items()} for row in found.to_dict("records")]


def _naive(moment: datetime) -> datetime:
    """Return UTC wall time for a textual statement, which has no column type to convert it."""
    return ensure_utc(moment).replace(tzinfo=None)
