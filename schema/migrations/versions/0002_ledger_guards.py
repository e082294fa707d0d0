"""Guards of the ledger: predictions and explanations never change, finished runs neither, live means before kick-off.

The statements of the upgrade stand in `0002_ledger_guards.sql`; both files are frozen. No row is touched.
"""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TRIGGERS = (
    ("predictions", "predictions_append_only"),
    ("shap_explanations", "shap_explanations_append_only"),
    ("fact_prediction_runs", "fact_prediction_runs_never_deleted"),
    ("fact_prediction_runs", "fact_prediction_runs_finished"),
    ("fact_predictions", "fact_predictions_before_kickoff"),
)

GRANT = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'aipro_app') THEN
        GRANT UPDATE, DELETE ON predictions, shap_explanations TO aipro_app;
        GRANT DELETE ON fact_prediction_runs TO aipro_app;
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
    op.execute(GRANT)
    for table, trigger in TRIGGERS:
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for function in ("guard_published", "guard_prediction_run", "ledger_clock"):
        op.execute(f"DROP FUNCTION {function}()")
