-- History in partitions by the time that a run's id tells, so that retention drops tables in place of deleting rows:
-- see partitions.py. What there is so far becomes the rest, as it lies; new spans are made while the engines run.

-- Identities are not inherited by partitions before PostgreSQL 17; the default of a column is.
CREATE SEQUENCE run_events_number AS bigint;
SELECT setval('run_events_number', coalesce(max(seq), 0) + 1, false) FROM run_events;
ALTER TABLE run_events ALTER COLUMN seq DROP IDENTITY;
ALTER TABLE run_events ALTER COLUMN seq SET DEFAULT nextval('run_events_number');
CREATE SEQUENCE logs_number AS bigint;
SELECT setval('logs_number', coalesce(max(position), 0) + 1, false) FROM logs;
ALTER TABLE logs ALTER COLUMN position DROP IDENTITY;
ALTER TABLE logs ALTER COLUMN position SET DEFAULT nextval('logs_number');

-- A key of a partitioned table has its span in it; this one is also the index that there was beside it.
DROP INDEX run_events_by_run;
ALTER TABLE run_events DROP CONSTRAINT run_events_pkey;
ALTER TABLE run_events ADD CONSTRAINT run_events_pkey PRIMARY KEY (run_id, at, seq);

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT indexname
        FROM pg_indexes
        WHERE schemaname = current_schema() AND tablename IN ('runs', 'attempts', 'run_events', 'logs')
    LOOP
        EXECUTE format('ALTER INDEX %I RENAME TO %I', name, name || '_of_rest');
    END LOOP;
END
$$;

ALTER TABLE runs RENAME TO runs_rest;
ALTER TABLE attempts RENAME TO attempts_rest;
ALTER TABLE run_events RENAME TO run_events_rest;
ALTER TABLE logs RENAME TO logs_rest;

CREATE TABLE runs (LIKE runs_rest INCLUDING GENERATED) PARTITION BY RANGE (id);
CREATE TABLE attempts (LIKE attempts_rest) PARTITION BY RANGE (run_id);
CREATE TABLE run_events (LIKE run_events_rest INCLUDING DEFAULTS) PARTITION BY RANGE (run_id);
CREATE TABLE logs (LIKE logs_rest INCLUDING DEFAULTS) PARTITION BY RANGE (run_id);

ALTER TABLE runs ADD PRIMARY KEY (id);
CREATE INDEX runs_by_workflow ON runs (workflow, namespace, id);
CREATE INDEX runs_by_created_at ON runs (created_at, id);
CREATE INDEX runs_in_trouble ON runs (trouble, namespace, id) WHERE trouble IS NOT NULL;
CREATE INDEX runs_by_family ON runs (family_id, namespace, id) WHERE family_id IS NOT NULL;
CREATE INDEX runs_by_source ON runs (source_id, namespace, id) WHERE source_id IS NOT NULL;
CREATE INDEX runs_by_fingerprint
    ON runs (fingerprint, namespace, trouble, id) INCLUDE (created_at, failed_at, version)
    WHERE fingerprint IS NOT NULL;
CREATE INDEX runs_by_bulk ON runs (bulk_id, fingerprint) WHERE bulk_id IS NOT NULL;
CREATE INDEX runs_by_parent ON runs (parent_id, namespace, id) WHERE parent_id IS NOT NULL;
ALTER TABLE attempts ADD PRIMARY KEY (run_id, step, number);
CREATE INDEX attempts_after_the_first ON attempts (run_id, number) WHERE number > 1;
ALTER TABLE run_events ADD PRIMARY KEY (run_id, at, seq);
ALTER TABLE logs ADD PRIMARY KEY (run_id, position);

-- Every index finds its like on the rest.
ALTER TABLE runs ATTACH PARTITION runs_rest DEFAULT;
ALTER TABLE attempts ATTACH PARTITION attempts_rest DEFAULT;
ALTER TABLE run_events ATTACH PARTITION run_events_rest DEFAULT;
ALTER TABLE logs ATTACH PARTITION logs_rest DEFAULT;

CREATE FUNCTION make_span(name text, first_id text, next_id text) RETURNS void
LANGUAGE plpgsql AS $function$
DECLARE
    parent text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['runs', 'attempts', 'run_events', 'logs'] LOOP
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', parent || '_' || name, parent, first_id, next_id
        );
    END LOOP;
    EXECUTE format('ALTER TABLE %I SET (fillfactor = 50, autovacuum_analyze_scale_factor = 0.02)', 'runs_' || name);
END
$function$;

CREATE FUNCTION drop_span(name text) RETURNS void
LANGUAGE plpgsql AS $function$
DECLARE
    parent text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['runs', 'attempts', 'run_events', 'logs'] LOOP
        EXECUTE format('DROP TABLE %I', parent || '_' || name);
    END LOOP;
END
$function$;
