-- Of a table that was never analysed the planner thinks that it holds something, and reads it by its key. With statistics
-- of a few rows any index is as good, and that plan is kept while thousands a second follow: so none of so few are taken.
ALTER TABLE runs_rest SET (autovacuum_analyze_threshold = 1000);
ALTER TABLE attempts_rest SET (autovacuum_analyze_threshold = 1000);

CREATE OR REPLACE FUNCTION make_span(name text, first_id text, next_id text) RETURNS void
LANGUAGE plpgsql AS $function$
DECLARE
    parent text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['runs', 'attempts', 'run_events', 'logs'] LOOP
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L) WITH (autovacuum_analyze_threshold = 1000)',
            parent || '_' || name, parent, first_id, next_id
        );
    END LOOP;
    EXECUTE format('ALTER TABLE %I SET (fillfactor = 50, autovacuum_analyze_scale_factor = 0.02)', 'runs_' || name);
END
$function$;
