CREATE FUNCTION ledger_clock() RETURNS timestamp LANGUAGE sql VOLATILE AS $$
    SELECT pg_catalog.clock_timestamp() AT TIME ZONE 'UTC'
$$;

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
$$;

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
$$;

CREATE TRIGGER predictions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON predictions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER shap_explanations_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON shap_explanations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER fact_prediction_runs_never_deleted BEFORE DELETE OR TRUNCATE ON fact_prediction_runs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER fact_prediction_runs_finished BEFORE UPDATE ON fact_prediction_runs
    FOR EACH ROW EXECUTE FUNCTION guard_prediction_run();

CREATE TRIGGER fact_predictions_before_kickoff AFTER INSERT ON fact_predictions
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION guard_published();

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'aipro_app') THEN
        REVOKE UPDATE, DELETE ON predictions, shap_explanations FROM aipro_app;
        REVOKE DELETE ON fact_prediction_runs FROM aipro_app;
    END IF;
END
$$;
