"""What must be kept: contents and models that rows of the database still need."""

from uuid import UUID

from sqlalchemy import Connection, text

_NEWEST = text(
    """
    SELECT DISTINCT ON (source) details->>'content' AS content FROM data_quality_checks
    WHERE details->>'content' IS NOT NULL ORDER BY source, checked_at DESC
    """
)
_NEEDED = text(
    """
    SELECT id FROM ml_models WHERE is_production
    UNION SELECT model_id FROM fact_predictions
    UNION SELECT model_id FROM predictions WHERE model_id IS NOT NULL
    UNION SELECT model_id FROM fact_model_promotions
    UNION SELECT previous_model_id FROM fact_model_promotions WHERE previous_model_id IS NOT NULL
    UNION SELECT default_model_id FROM sports WHERE default_model_id IS NOT NULL
    """
)


def newest_contents(connection: Connection) -> set[str]:
    """Return the hash of what was imported last of each source."""
    return set(connection.scalars(_NEWEST))


def needed_models(connection: Connection) -> set[UUID]:
    """Return the models in production, in the ledger or in a promotion."""
    return set(connection.scalars(_NEEDED))
