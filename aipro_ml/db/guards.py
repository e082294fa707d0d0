"""Guards of the ledger inside the database: what never changes, and that live predictions came before kick-off.

They hold for every program that can reach the database, the owner's too as long as nobody disables a trigger; and
`migrate.differences` says where one is missing, disabled or says something else.
"""

from typing import Final, NamedTuple

CLOCK: Final = "ledger_clock"
"""The server's own clock, in UTC: a function, so that a league of another time can be played through by its owner."""


class Guard(NamedTuple):
    """A trigger of a table, and the statement that makes it."""

    table: str
    trigger: str
    statement: str


FUNCTIONS: Final[dict[str, str]] = {
    "refuse_change": """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'restrict_violation',
        MESSAGE = TG_TABLE_NAME || ' is append-only: ' || TG_OP || ' refused',
        HINT = 'add a row that says what is true now';
END
$$""",
    CLOCK: """
CREATE FUNCTION ledger_clock() RETURNS timestamp LANGUAGE sql VOLATILE AS $$
    SELECT pg_catalog.clock_timestamp() AT TIME ZONE 'UTC'
$$""",
    # the path is fixed: a temporary table of the caller's, named `games`, would otherwise be asked for the kick-off
    "guard_prediction_run": """
CREATE FUNCTION guard_prediction_run() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept jsonb := coalesce(OLD.journal, '[]');
    said jsonb := coalesce(NEW.journal, '[]');
BEGIN
    IF (NEW.id, NEW.sport_id, NEW.slot, NEW.as_of, NEW.mode, NEW.started_at)
            IS DISTINCT FROM (OLD.id, OLD.sport_id, OLD.slot, OLD.as_of, OLD.mode, OLD.started_at)
        OR (OLD.versions IS NOT NULL AND NEW.versions IS DISTINCT FROM OLD.versions) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'restrict_violation',
            MESSAGE = 'fact_prediction_runs: slot, as_of, mode and versions of run ' || OLD.id || ' never change',
            HINT = 'another decision is another run';
    END IF;
    IF OLD.status = 'completed' AND (
        to_jsonb(NEW) - 'journal' IS DISTINCT FROM to_jsonb(OLD) - 'journal'
        OR kept <> coalesce((SELECT jsonb_agg(entry ORDER BY place)
                             FROM jsonb_array_elements(said) WITH ORDINALITY AS entries(entry, place)
                             WHERE place <= jsonb_array_length(kept)), '[]')
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'restrict_violation',
            MESSAGE = 'fact_prediction_runs: run ' || OLD.id || ' is finished: only its journal may grow',
            HINT = 'add an entry to its journal';
    END IF;
    RETURN NEW;
END
$$""",
    "guard_published": """
CREATE FUNCTION guard_published() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    SELECT a.seq, a.game_id, r.as_of = a.as_of AS same, k.kickoff INTO wrong
    FROM added a
    JOIN public.fact_prediction_runs r ON r.id = a.run_id
    JOIN public.games g ON g.id = a.game_id
    CROSS JOIN LATERAL (
        SELECT least(g.game_date, (SELECT v.game_date FROM public.game_revisions v WHERE v.game_id = a.game_id
                                   ORDER BY v.revision DESC LIMIT 1)) AS kickoff) k
    WHERE r.as_of <> a.as_of
        OR (r.mode = 'live' AND greatest(a.as_of, a.created_at, public.ledger_clock()) >= k.kickoff)
    ORDER BY a.seq LIMIT 1;
    IF FOUND AND wrong.same THEN
        RAISE EXCEPTION USING
            ERRCODE = 'restrict_violation',
            MESSAGE = 'fact_predictions: game ' || wrong.game_id || ' kicked off at ' || wrong.kickoff
                || ' UTC: a live prediction must be stored before',
            HINT = 'what is computed later belongs to a back-filled run';
    ELSIF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'restrict_violation',
            MESSAGE = 'fact_predictions: row ' || wrong.seq || ' was not decided at the as_of of its run';
    END IF;
    RETURN NULL;
END
$$""",
}
"""The functions by name, in the order they are made."""

GUARDS: Final = (
    Guard(
        "fact_prediction_runs",
        "fact_prediction_runs_never_deleted",
        """
CREATE TRIGGER fact_prediction_runs_never_deleted BEFORE DELETE OR TRUNCATE ON fact_prediction_runs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    ),
    Guard(
        "fact_prediction_runs",
        "fact_prediction_runs_finished",
        """
CREATE TRIGGER fact_prediction_runs_finished BEFORE UPDATE ON fact_prediction_runs
    FOR EACH ROW EXECUTE FUNCTION guard_prediction_run()""",
    ),
    # a statement trigger: it fires once a COPY, and asks for all its rows at once
    Guard(
        "fact_predictions",
        "fact_predictions_before_kickoff",
        """
CREATE TRIGGER fact_predictions_before_kickoff AFTER INSERT ON fact_predictions
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION guard_published()""",
    ),
)

OF_THE_PRESENT: Final = (GUARDS[-1],)
"""Guards that hold a row against the present: what is restored was held against it when it was written."""
