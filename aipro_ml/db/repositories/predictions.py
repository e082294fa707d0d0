"""Prediction runs, predictions, the append-only ledger and explanations."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pandas as pd
from psycopg.errors import RestrictViolation
from sqlalchemy import Connection, cast, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from aipro_ml.db.copy import any_of, copy_rows, read_frame
from aipro_ml.db.locks import wait_for
from aipro_ml.db.models.odds import Sportsbook
from aipro_ml.db.models.predictions import Prediction, ShapExplanation
from aipro_ml.db.models.warehouse import FactPrediction, FactPredictionRun
from aipro_ml.errors import StaleDataError
from aipro_ml.times import ensure_utc

_LIST = text(
    """
    SELECT p.id, g.game_date AS kickoff, away.abbreviation || ' @ ' || home.abbreviation AS game, p.bet_type,
           p.predicted_side AS side, p.line_at_prediction AS line, p.odds_at_prediction AS price, p.probability,
           p.edge, f.ev, p.kelly_fraction AS kelly, p.signal_tier AS tier, f.as_of, run.mode,
           r.actual_result AS result, r.profit_loss AS profit, r.clv, p.model_id::text AS model,
           CASE WHEN champion.is_this THEN 'production' ELSE 'shadow' END AS role
    FROM predictions p
    JOIN fact_predictions f ON f.prediction_id = p.id
    JOIN fact_prediction_runs run ON run.id = f.run_id
    JOIN games g ON g.id = p.game_id
    JOIN sports s ON s.id = g.sport_id
    JOIN teams home ON home.id = g.home_team_id
    JOIN teams away ON away.id = g.away_team_id
    LEFT JOIN prediction_results r ON r.prediction_id = p.id
    LEFT JOIN LATERAL (
        SELECT d.model_id = p.model_id AS is_this FROM fact_model_promotions d
        WHERE d.sport_id = g.sport_id AND d.bet_type = p.bet_type AND d.decided_at <= run.started_at
          AND (d.action <> 'promote' OR d.verdict = 'PROMOTE')
        ORDER BY d.decided_at DESC LIMIT 1
    ) champion ON TRUE
    WHERE s.code = :sport AND g.game_date >= :since AND g.game_date < :until
    ORDER BY g.game_date, game, p.bet_type, f.seq
    """
)


_TABLE = """
    SELECT f.seq, s.code AS sport, g.game_date AS kickoff, away.abbreviation AS away, home.abbreviation AS home,
           f.bet_type, f.predicted_side, f.line_at_prediction, f.odds_at_prediction, book.name AS book,
           f.probability, f.probability_low, f.probability_high, f.fair_probability, f.push_probability, f.edge, f.ev,
           f.kelly_fraction, f.signal_tier, f.as_of, f.created_at, run.mode, f.model_id, f.game_id, f.prediction_id,
           f.prediction_hash, r.actual_result, r.profit_loss, r.clv
    FROM fact_predictions f
    JOIN fact_prediction_runs run ON run.id = f.run_id
    JOIN games g ON g.id = f.game_id
    JOIN sports s ON s.id = g.sport_id
    JOIN teams home ON home.id = g.home_team_id
    JOIN teams away ON away.id = g.away_team_id
    LEFT JOIN sportsbooks book ON book.id = f.sportsbook_id
    LEFT JOIN prediction_results r ON r.prediction_id = f.prediction_id
    WHERE (CAST(:sport AS text) IS NULL OR s.code = :sport)
      AND (CAST(:since AS timestamp) IS NULL OR (g.game_date >= :since AND g.game_date < :until))
      AND (cardinality(CAST(:tiers AS text[])) = 0 OR f.signal_tier = ANY (CAST(:tiers AS text[])))
    ORDER BY g.game_date, f.seq
"""


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


def chain_hashes(connection: Connection) -> list[str]:
    """Return the chain hash of every ledger row in its order."""
    return list(connection.scalars(select(FactPrediction.chain_hash).order_by(FactPrediction.seq)))


def known_hashes(connection: Connection, hashes: list[str]) -> set[str]:
    """Return which of these prediction hashes are stored already."""
    statement = select(Prediction.prediction_hash).where(Prediction.prediction_hash.in_(hashes))
    return {found for found in connection.scalars(statement) if found is not None}


def ledger_hashes(connection: Connection, hashes: Sequence[str]) -> set[str]:
    """Return which of these prediction hashes stand in the ledger."""
    statement = select(FactPrediction.prediction_hash).where(FactPrediction.prediction_hash.in_(hashes))
    return set(connection.scalars(statement))


def save_run(connection: Connection, values: Mapping[str, Any]) -> bool:
    """Store a prediction run (columns of `fact_prediction_runs`); True if it is new."""
    statement = insert(FactPredictionRun).values(**values).on_conflict_do_nothing()
    return connection.scalar(statement.returning(FactPredictionRun.id)) is not None


def note_in_journal(connection: Connection, run_id: UUID, entry: Mapping[str, Any]) -> None:
    """Append an entry to a run's journal: all that may change of a finished one."""
    run = FactPredictionRun
    grown = func.coalesce(run.journal, cast([], JSONB)).op("||")(cast([dict(entry)], JSONB))
    connection.execute(update(run).where(run.id == run_id).values(journal=grown))


def run_games(connection: Connection, run_id: UUID) -> list[str] | None:
    """Return the games a stored run decided, or None where there is no such run."""
    versions = connection.scalar(select(FactPredictionRun.versions).where(FactPredictionRun.id == run_id))
    return None if versions is None else list(versions["games"])


_RUNS = """
    SELECT r.id, s.code AS sport, r.as_of, r.mode, r.started_at, r.abstentions, r.versions, r.journal
    FROM fact_prediction_runs r JOIN sports s ON s.id = r.sport_id
    WHERE (CAST(:sport AS text) IS NULL OR s.code = :sport)
      AND (CAST(:reference AS text) IS NULL OR starts_with(CAST(r.id AS text), :reference))
      AND (CAST(:since AS timestamp) IS NULL OR (r.as_of >= :since AND r.as_of < :until))
      AND (CAST(:season AS integer) IS NULL OR EXISTS (
        SELECT FROM games g JOIN seasons y ON y.id = g.season_id
        WHERE g.id = CAST(r.versions -> 'games' ->> 0 AS uuid) AND y.year = :season))
      AND r.versions IS NOT NULL
    ORDER BY r.as_of, r.id
"""


def stored_runs(
    connection: Connection,
    sport: str | None = None,
    reference: str | None = None,
    decided: tuple[datetime, datetime] | None = None,
    season: int | None = None,
) -> list[dict[str, Any]]:
    """Return runs with all they kept, by as_of: of a sport, whose id begins so, decided in [from, to), of a season."""
    since, until = (None, None) if decided is None else (_naive(decided[0]), _naive(decided[1]))
    named = {"sport": sport, "reference": reference, "since": since, "until": until, "season": season}
    rows = connection.execute(text(_RUNS).bindparams(**named)).mappings()
    moments = ("as_of", "started_at")
    return [{**row, **{name: row[name].replace(tzinfo=UTC) for name in moments}} for row in rows]


def ledger_rows_of(connection: Connection, run_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Return the ledger rows of these runs in their order, with the name of the `book`."""
    fact = FactPrediction
    statement = (
        select(*fact.__table__.c, Sportsbook.name.label("book"))
        .join(Sportsbook, Sportsbook.id == fact.sportsbook_id, isouter=True)
        .where(fact.run_id == any_of(run_ids))
        .order_by(fact.seq)
    )
    return [dict(row) for row in connection.execute(statement).mappings()]


def save_predictions(
    connection: Connection, predictions: pd.DataFrame, ledger: pd.DataFrame, explanations: pd.DataFrame
) -> None:
    """Append predictions, their ledger rows and their explanations; StaleDataError where the ledger's guard refuses."""
    copy_rows(connection, Prediction.__table__, predictions)
    try:
        copy_rows(connection, FactPrediction.__table__, ledger)
    except RestrictViolation as error:
        raise StaleDataError(f"{error.diag.message_primary}; {error.diag.message_hint}: run it again") from error
    copy_rows(connection, ShapExplanation.__table__, explanations)


def prediction_table(
    connection: Connection,
    sport: str | None = None,
    kickoffs: tuple[datetime, datetime] | None = None,
    tiers: Sequence[str] = (),
) -> pd.DataFrame:
    """Return every prediction with all that is known of it, by kick-off: of a sport, a span [from, to), these tiers."""
    since, until = (None, None) if kickoffs is None else (_naive(kickoffs[0]), _naive(kickoffs[1]))
    asked = {"sport": sport, "since": since, "until": until, "tiers": list(tiers)}
    return read_frame(connection, text(_TABLE).bindparams(**asked))


def list_predictions(connection: Connection, sport: str, since: datetime, until: datetime) -> pd.DataFrame:
    """Return published predictions of games that kick off in [since, until), with their grades.

    `role`: production where the model was its bet type's champion when the run was computed, else shadow.
    """
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


def title_of(connection: Connection, reference: str) -> str:
    """Return game, day and bet of the prediction whose id begins with `reference`, in words."""
    statement = text(
        """
        SELECT away.abbreviation || ' @ ' || home.abbreviation || ', ' || to_char(g.game_date, 'YYYY-MM-DD') || ', '
               || p.bet_type || ' ' || p.predicted_side
               || coalesce(' ' || to_char(p.line_at_prediction, CASE p.bet_type WHEN 'total' THEN 'FM990.099'
                                                                                ELSE 'FMSG990.099' END), '')
        FROM predictions p JOIN games g ON g.id = p.game_id
        JOIN teams home ON home.id = g.home_team_id JOIN teams away ON away.id = g.away_team_id
        WHERE starts_with(p.id::text, :reference)
        """
    )
    return str(connection.scalar(statement.bindparams(reference=reference.lower())))


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
