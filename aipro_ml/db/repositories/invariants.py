"""What must hold of the live database: each rule a query for the rows that break it."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from aipro_ml.db.contract import APP_ROLE
from aipro_ml.db.models import metadata


@dataclass(frozen=True)
class Offenders:
    """How many rows break a rule, and the first of them in words."""

    count: int
    first: str = ""


RULES: dict[str, str] = {
    "ledger rows are the predictions": """
        SELECT p.id || ' ' || CASE WHEN f.id IS NULL THEN 'has no ledger row' ELSE 'differs from its ledger row' END
        FROM predictions p LEFT JOIN fact_predictions f ON f.prediction_id = p.id
        WHERE f.id IS NULL OR (p.game_id, p.model_id, p.bet_type, p.predicted_side, p.signal_tier, p.prediction_hash,
            p.line_at_prediction, p.odds_at_prediction, round(p.probability::numeric, 6))
          IS DISTINCT FROM (f.game_id, f.model_id, f.bet_type, f.predicted_side, f.signal_tier, f.prediction_hash,
            f.line_at_prediction, f.odds_at_prediction, round(f.probability::numeric, 6))
    """,
    "published before kick-off": """
        SELECT 'ledger row ' || f.seq || ' of ' || f.created_at || ' for a kick-off at ' || k.game_date
        FROM fact_predictions f JOIN fact_prediction_runs r ON r.id = f.run_id AND r.mode = 'live'
        CROSS JOIN LATERAL (SELECT v.game_date FROM game_revisions v WHERE v.game_id = f.game_id
            AND v.known_at <= f.created_at ORDER BY v.known_at DESC, v.revision DESC LIMIT 1) k
        WHERE greatest(f.created_at, f.as_of) >= k.game_date
    """,
    "published and abstained are all games": """
        SELECT 'run ' || r.id || ': ' || r.published_count || ' + ' || r.abstained_count || ' of ' || r.games_count
            || ' games × ' || n.models || ' models'
        FROM fact_prediction_runs r CROSS JOIN LATERAL (SELECT count(*) AS models FROM jsonb_object_keys(
            CASE WHEN r.versions->'models' = '{}' THEN r.versions->'shadow' ELSE r.versions->'models' END)) n
        WHERE r.status = 'completed' AND r.published_count + r.abstained_count <> r.games_count * n.models
    """,
    "explanations sum to what was published": """
        SELECT 'prediction ' || f.prediction_id || ': ' || round(sum(x.shap_value)::numeric, 6)
            || ' is not the logit of ' || f.probability
        FROM fact_predictions f JOIN shap_explanations x ON x.prediction_id = f.prediction_id
        GROUP BY f.prediction_id, f.probability
        HAVING abs(sum(x.shap_value) - ln(f.probability / (1 - f.probability))) > 1e-5
    """,
    "grades belong to played games": """
        SELECT 'prediction ' || r.prediction_id || ' is graded ' || r.actual_result || ', its game is ' || g.status
        FROM prediction_results r JOIN predictions p ON p.id = r.prediction_id JOIN games g ON g.id = p.game_id
        WHERE r.actual_result NOT IN ('void', 'pending') AND g.status <> 'final'
    """,
    "every series of quotes has one current": """
        SELECT 'game ' || game_id || ' ' || market_type || ' ' || selection || ' at ' || sportsbook_id || ': '
            || count(*) FILTER (WHERE is_current) || ' current quotes'
        FROM odds GROUP BY game_id, sportsbook_id, market_type, selection
        HAVING count(*) FILTER (WHERE is_current) <> 1
    """,
    "closes are of kick-off or before": """
        SELECT 'game ' || c.game_id || ' ' || c.market_type || ' ' || c.selection || ' closed at ' || c.closed_at
            || ', kick-off at ' || g.game_date
        FROM closing_lines c JOIN games g ON g.id = c.game_id
        WHERE c.closed_at > (SELECT max(v.game_date) FROM game_revisions v WHERE v.game_id = c.game_id)
    """,
    "games are their latest revision": """
        SELECT 'game ' || g.id || ' is ' || g.status || ', its latest revision ' || v.status
        FROM games g CROSS JOIN LATERAL (SELECT r.status, r.home_score, r.away_score, r.game_date FROM game_revisions r
            WHERE r.game_id = g.id ORDER BY r.revision DESC LIMIT 1) v
        WHERE (g.status, g.home_score, g.away_score, g.game_date)
          IS DISTINCT FROM (v.status, v.home_score, v.away_score, v.game_date)
    """,
    "final games have scores, others none": """
        SELECT 'game ' || id || ' is ' || status || ' ' || coalesce(home_score::text, '?') || ':'
            || coalesce(away_score::text, '?')
        FROM games WHERE (status = 'final') <> (home_score IS NOT NULL AND away_score IS NOT NULL)
          AND status IN ('final', 'scheduled', 'cancelled')
    """,
    "one production model of each kind": """
        SELECT s.code || ' ' || m.bet_type || ' has ' || count(*) FROM ml_models m JOIN sports s ON s.id = m.sport_id
        WHERE m.is_production GROUP BY s.code, m.bet_type HAVING count(*) > 1
        UNION ALL
        SELECT s.code || ': its default model is not the moneyline model in production'
        FROM sports s LEFT JOIN ml_models m ON m.sport_id = s.id AND m.is_production AND m.bet_type = 'moneyline'
        WHERE s.default_model_id IS DISTINCT FROM m.id
    """,
    "bets of the warehouse are the grades": """
        SELECT 'prediction ' || coalesce(r.prediction_id, b.prediction_id) || ' is graded '
            || coalesce(r.actual_result, 'not at all') || ', in the warehouse ' || coalesce(b.result, 'not at all')
            || '; see `aipro warehouse refresh`'
        FROM prediction_results r FULL JOIN (SELECT * FROM fact_bets WHERE prediction_id IS NOT NULL) b
          ON b.prediction_id = r.prediction_id
        WHERE (r.actual_result, r.profit_loss) IS DISTINCT FROM (b.result, b.profit_units)
    """,
    "nothing is left running": """
        SELECT 'training run ' || id || ' since ' || started_at FROM training_runs
        WHERE status = 'running' AND started_at < CAST(:before AS timestamp)
        UNION ALL
        SELECT 'materialisation ' || id || ' since ' || started_at FROM feature_materializations
        WHERE status = 'running' AND started_at < CAST(:before AS timestamp)
        UNION ALL
        SELECT 'prediction run ' || id || ' since ' || started_at FROM fact_prediction_runs
        WHERE status = 'running' AND started_at < CAST(:before AS timestamp)
        UNION ALL
        SELECT 'task ' || task_name || ', due since ' || next_run FROM scheduled_tasks
        WHERE status = 'running' AND next_run < CAST(:before AS timestamp)
    """,
}
"""Each rule's name, and a query whose rows say in one text who breaks it."""

_RIGHTS = """
    SELECT t.name || ': ' || r.rolname || ' may ' || a.act
    FROM unnest(CAST(:tables AS text[])) AS t(name)
    CROSS JOIN pg_roles r CROSS JOIN (VALUES ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS a(act)
    WHERE r.rolname = :role AND has_table_privilege(r.oid, to_regclass('public.' || t.name)::oid, a.act)
"""


def offenders(connection: Connection, rule: str, before: object) -> Offenders:
    """Return who breaks a rule of RULES; what runs since `before` counts as left behind."""
    query = RULES[rule]
    bound = {"before": before} if ":before" in query else {}
    return _counted(connection, query, bound)


def loose_rights(connection: Connection) -> Offenders:
    """Return where the application's role may change or delete what is append-only."""
    tables = sorted(
        name for name, table in metadata.tables.items() if table.info.keys() & {"append_only", "insert_only"}
    )
    return _counted(connection, _RIGHTS, {"tables": tables, "role": APP_ROLE})


def _counted(connection: Connection, query: str, bound: dict[str, object]) -> Offenders:
    statement = sa.text(f"SELECT count(*), min(what) FROM ({query}) AS found(what)")  # noqa: S608 - our own text
    count, first = connection.execute(statement, bound).one()
    return Offenders(int(count), first or "")
