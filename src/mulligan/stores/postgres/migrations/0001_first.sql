-- Texts that are compared or sorted have the collation "C": the order of their characters' numbers, as everywhere in
-- Mulligan. JSON is text and payloads are bytes, never jsonb, which changes what it is given. Free text (messages, keys
-- of users) may hold NUL, which PostgreSQL's text may not: `rows.escape` writes it differently.

-- A column of texts as one text, as `rows.joined` writes it: the driver takes ten times as long over an array of them.
CREATE FUNCTION texts(joined text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN joined = '' THEN ARRAY[''] ELSE string_to_array(joined, E'\x1f', E'\x1e') END;

CREATE TABLE versions (
    namespace text COLLATE "C" NOT NULL,
    workflow text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    digest text COLLATE "C" NOT NULL,
    registered_at timestamptz NOT NULL,
    definition text NOT NULL,
    PRIMARY KEY (namespace, workflow, number),
    UNIQUE (namespace, workflow, digest)
);

-- A run is written when it starts and once more when it ends. No index names a column that the end of a successful run
-- changes, and half of every page is left free: so that second version stays on its page and touches no index (a
-- "heap-only" update). What is looked for by status has gone wrong, or still runs: the former has its own column, the
-- latter is found by its open steps.
CREATE TABLE runs (
    id text COLLATE "C" PRIMARY KEY,
    namespace text COLLATE "C" NOT NULL,
    workflow text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    family_id text COLLATE "C",     -- NULL: its own, as of every run that is no replay
    key_scope text COLLATE "C",     -- NULL: its own
    status text COLLATE "C" NOT NULL,
    pinned boolean NOT NULL,
    priority integer NOT NULL,
    available_at timestamptz,
    finished_at timestamptz,
    metadata text[] COLLATE "C",    -- one text per entry, see rows.py; NULL: none
    idempotency_key text COLLATE "C",
    overrides text,                 -- JSON object; NULL: none
    source_id text COLLATE "C",
    generation integer NOT NULL,
    parent_id text COLLATE "C",
    parent_step text COLLATE "C",
    bulk_id text COLLATE "C",
    failed_step text COLLATE "C",
    error_type text COLLATE "C",
    error_message text COLLATE "C",
    fingerprint text COLLATE "C",
    input bytea NOT NULL,
    trouble text COLLATE "C" GENERATED ALWAYS AS (CASE WHEN status IN ('failed', 'cancelled') THEN status END) STORED,
    failed_at timestamptz GENERATED ALWAYS AS (CASE WHEN status = 'failed' THEN finished_at END) STORED
) WITH (fillfactor = 50, autovacuum_analyze_scale_factor = 0.02);

CREATE INDEX runs_by_workflow ON runs (workflow, namespace, id);
CREATE INDEX runs_by_created_at ON runs (created_at, id);
CREATE INDEX runs_in_trouble ON runs (trouble, namespace, id) WHERE trouble IS NOT NULL;
CREATE INDEX runs_by_family ON runs (family_id, namespace, id) WHERE family_id IS NOT NULL;
CREATE INDEX runs_by_source ON runs (source_id, namespace, id) WHERE source_id IS NOT NULL;
CREATE INDEX runs_by_fingerprint
    ON runs (fingerprint, namespace, trouble, id) INCLUDE (created_at, failed_at, version)
    WHERE fingerprint IS NOT NULL;
CREATE INDEX runs_by_bulk ON runs (bulk_id, fingerprint) WHERE bulk_id IS NOT NULL;

CREATE TABLE replays (
    run_id text COLLATE "C" PRIMARY KEY,
    namespace text COLLATE "C" NOT NULL,
    record text NOT NULL
);

-- Which runs must stay as long as run_id stays: it reuses their results.
CREATE TABLE kept_results (
    kept_run_id text COLLATE "C" NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    PRIMARY KEY (kept_run_id, run_id)
);

CREATE INDEX kept_results_by_run ON kept_results (run_id);

-- The hot table: only what can still act. Vacuumed early and at full speed, because it is small and always changing.
CREATE TABLE open_steps (
    run_id text COLLATE "C" NOT NULL,
    step text COLLATE "C" NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    workflow text COLLATE "C" NOT NULL,
    route text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    queued_at timestamptz NOT NULL,
    since_at timestamptz NOT NULL,
    priority integer NOT NULL,
    attempt integer NOT NULL,
    failures integer NOT NULL,
    losses integer NOT NULL,
    token text COLLATE "C",
    worker_id text COLLATE "C",
    due_at timestamptz,
    start_to_close interval,
    PRIMARY KEY (run_id, step)
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 10000
);

-- In the order of claiming, so that a claim reads the rows it takes and no other.
CREATE INDEX open_steps_ready ON open_steps (namespace, route, priority DESC, queued_at, run_id, step)
    WHERE state = 'ready';
CREATE INDEX open_steps_due ON open_steps (due_at, run_id, step) WHERE due_at IS NOT NULL;

CREATE TABLE attempts (
    run_id text COLLATE "C" NOT NULL,
    step text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    queued_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz NOT NULL,
    version text COLLATE "C" NOT NULL,
    worker_id text COLLATE "C",
    error text,                     -- JSON; NULL: none
    fingerprint text COLLATE "C",
    readings text,                  -- JSON array; NULL: none
    output bytea,
    PRIMARY KEY (run_id, step, number)
);

CREATE INDEX attempts_after_the_first ON attempts (run_id, number) WHERE number > 1;

CREATE TABLE run_events (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id text COLLATE "C" NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    kind text COLLATE "C" NOT NULL,
    step text COLLATE "C",
    attempt integer,
    actor text COLLATE "C",
    detail text NOT NULL
);

CREATE INDEX run_events_by_run ON run_events (run_id, at, seq);

-- Positions are given out under a lock of the run (insert_logs.sql), so that whoever follows a run's log never passes a
-- line that is committed later.
CREATE TABLE logs (
    run_id text COLLATE "C" NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    step text COLLATE "C" NOT NULL,
    attempt integer NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    level integer NOT NULL,
    logger text COLLATE "C" NOT NULL,
    message text COLLATE "C" NOT NULL,
    PRIMARY KEY (run_id, position)
);

CREATE TABLE idempotency_keys (
    namespace text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    content text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (namespace, key)
);

CREATE INDEX idempotency_keys_by_run ON idempotency_keys (run_id);

CREATE TABLE bulks (
    id text COLLATE "C" PRIMARY KEY,
    namespace text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    record text NOT NULL
);

CREATE TABLE bulk_items (
    bulk_id text COLLATE "C" NOT NULL,
    position integer NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    source_id text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    run_id text COLLATE "C",
    problem text,
    PRIMARY KEY (bulk_id, position)
);

CREATE INDEX bulk_items_by_state ON bulk_items (bulk_id, state, position);
CREATE INDEX bulk_items_by_source ON bulk_items (source_id, bulk_id);

CREATE TABLE group_notes (
    namespace text COLLATE "C" NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (namespace, fingerprint)
);

CREATE TABLE documents (
    namespace text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (namespace, kind, key)
);

CREATE TABLE variables (
    namespace text COLLATE "C" NOT NULL,
    workflow text COLLATE "C" NOT NULL,
    step text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (namespace, workflow, step, name)
);

CREATE TABLE workers (
    id text COLLATE "C" PRIMARY KEY,
    namespace text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    seen_at timestamptz NOT NULL,
    lease_until_at timestamptz NOT NULL,
    record text NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE tokens (
    id text COLLATE "C" PRIMARY KEY,
    namespace text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    record text NOT NULL
);

-- Whether the value at a path of a JSON payload is a string of this value, or a number or constant that is written so.
-- Whatever is no JSON, or JSON that PostgreSQL cannot take apart, holds nothing: a search is never an error.
-- A NUL in a string is compared in the way that `rows.escape` writes it.
CREATE FUNCTION input_holds(payload bytea, path text[], value text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $function$
DECLARE
    found json;
    name text;
BEGIN
    found := regexp_replace(
        convert_from(payload, 'UTF8'), '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufdd0\\ufdd1', 'g'
    );
    FOREACH name IN ARRAY path LOOP
        found := found -> name;
    END LOOP;
    RETURN coalesce(
        CASE json_typeof(found)
            WHEN 'object' THEN false
            WHEN 'array' THEN false
            WHEN 'string' THEN found #>> '{}' = value
            ELSE found::text = value
        END,
        false
    );
EXCEPTION WHEN OTHERS THEN
    RETURN false;
END
$function$;
