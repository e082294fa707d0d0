"""The 55 tables with their indexes and checks, the append-only triggers, and the application role's rights.

The statements of the upgrade stand in `0001_first.sql`; both files are frozen.
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
    alerts, api_keys, audit_logs, bankroll_transactions, bankrolls, bets, calibration_models,
    closing_lines, consensus_lines, data_quality_checks, dim_dates, dim_models, dim_teams,
    fact_bets, fact_model_promotions, fact_odds, fact_player_games, fact_player_props,
    fact_prediction_runs, fact_predictions, fact_team_games, feature_definitions,
    feature_importance, feature_materializations, feature_sets, feature_statistics,
    feature_vectors, feature_views, game_revisions, games, ml_models, model_performance, odds,
    odds_movements, player_props, player_stats, players, prediction_results, predictions,
    scheduled_tasks, seasons, sessions, shap_explanations, sports, sportsbooks,
    system_health_snapshots, system_settings, team_ratings, team_stats, teams,
    training_datasets, training_runs, user_preferences, users, venues
"""

# the role stays: it belongs to the server, and other databases may use it; and it may go on reading
# alembic_version, to say that the schema is missing
REVOKE = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'aipro_app') THEN
        ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM aipro_app;
    END IF;
END
$$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '10s'")
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(statements)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '10s'")
    op.execute(REVOKE)
    op.execute(f"DROP TABLE {TABLES}")
    op.execute("DROP FUNCTION refuse_change()")
