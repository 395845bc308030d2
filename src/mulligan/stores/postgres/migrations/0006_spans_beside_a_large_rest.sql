-- To make a span the database looks through all of the rest for rows of that span, and everybody waits for it meanwhile;
-- unless a valid constraint says that there are none, which can be found out while others write (partitions.py).

CREATE FUNCTION keep_span_out_of_rest(first_id text, next_id text) RETURNS void
LANGUAGE plpgsql AS $function$
DECLARE
    parent text;
BEGIN
    PERFORM let_all_into_rest();
    FOREACH parent IN ARRAY ARRAY['runs', 'attempts', 'run_events', 'logs'] LOOP
        EXECUTE format(
            'ALTER TABLE %1$I ADD CONSTRAINT not_of_the_next_span CHECK (%2$I < %3$L OR %2$I >= %4$L) NOT VALID',
            parent || '_rest', CASE parent WHEN 'runs' THEN 'id' ELSE 'run_id' END, first_id, next_id
        );
    END LOOP;
END
$function$;

CREATE FUNCTION let_all_into_rest() RETURNS void
LANGUAGE plpgsql AS $function$
DECLARE
    parent text;
BEGIN
    -- All work waits behind who waits for these locks.
    PERFORM set_config('lock_timeout', '500ms', true);
    FOREACH parent IN ARRAY ARRAY['runs', 'attempts', 'run_events', 'logs'] LOOP
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT IF EXISTS not_of_the_next_span', parent || '_rest');
    END LOOP;
END
$function$;
