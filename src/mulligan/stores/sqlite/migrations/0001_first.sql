-- Instants are microseconds since 1970 (UTC) in columns named …_at; spans are microseconds, too. Columns are what SQL
-- asks for; `record` is the whole record as JSON where nothing else is ever asked.

PRAGMA application_id = 0x4d4c474e; -- "MLGN": a file of something else is not taken for ours

CREATE TABLE migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;

CREATE TABLE versions (
    namespace TEXT NOT NULL,
    workflow TEXT NOT NULL,
    number INTEGER NOT NULL,
    digest TEXT NOT NULL,
    registered_at INTEGER NOT NULL,
    definition TEXT NOT NULL,
    PRIMARY KEY (namespace, workflow, number),
    UNIQUE (namespace, workflow, digest)
) STRICT, WITHOUT ROWID;

-- One row per run, found by an id that sorts by time: clustered by it, so that new rows are neighbours.
CREATE TABLE runs (
    id TEXT NOT NULL PRIMARY KEY,
    namespace TEXT NOT NULL,
    workflow TEXT NOT NULL,
    version TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    family_id TEXT,                 -- NULL: its own, as of every run that is no replay
    key_scope TEXT,                 -- NULL: its own
    status TEXT NOT NULL,
    pinned INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    available_at INTEGER,
    finished_at INTEGER,
    metadata TEXT,                  -- JSON object of strings; NULL: none
    idempotency_key TEXT,
    overrides TEXT,                 -- JSON object; NULL: none
    source_id TEXT,
    generation INTEGER NOT NULL,
    parent_id TEXT,
    parent_step TEXT,
    bulk_id TEXT,
    failed_step TEXT,
    error_type TEXT,
    error_message TEXT,
    fingerprint TEXT,
    input BLOB                      -- NULL: large, and in large_inputs
) STRICT, WITHOUT ROWID;

-- The column that is equal in a question comes first. The namespace is in no index of all runs, or the planner would
-- take that for the way to list or count a namespace's runs: sort them all, or look each of them up out of order.
CREATE INDEX runs_by_workflow ON runs (workflow, id);
CREATE INDEX runs_by_created_at ON runs (created_at, id);
CREATE INDEX runs_running ON runs (status, namespace, id) WHERE status = 'running';
CREATE INDEX runs_failed ON runs (status, namespace, id) WHERE status = 'failed';
CREATE INDEX runs_cancelled ON runs (status, namespace, id) WHERE status = 'cancelled';
CREATE INDEX runs_by_family ON runs (family_id, namespace, id) WHERE family_id IS NOT NULL;
CREATE INDEX runs_by_source ON runs (source_id, status, namespace, id) WHERE source_id IS NOT NULL;
-- These two answer the inbox and the progress of a bulk replay without reading a row of the table.
CREATE INDEX runs_by_fingerprint
    ON runs (fingerprint, namespace, status, id, created_at, finished_at, version) WHERE fingerprint IS NOT NULL;
CREATE INDEX runs_by_bulk ON runs (bulk_id, status, fingerprint) WHERE bulk_id IS NOT NULL;

-- Inputs that would make the end of a run rewrite more than a page.
CREATE TABLE large_inputs (
    run_id TEXT NOT NULL PRIMARY KEY,
    namespace TEXT NOT NULL,
    payload BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE replays (
    run_id TEXT NOT NULL PRIMARY KEY,
    namespace TEXT NOT NULL,
    record TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Which runs must stay as long as run_id stays: it reuses their results.
CREATE TABLE kept_results (
    kept_run_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    namespace TEXT NOT NULL,
    PRIMARY KEY (kept_run_id, run_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX kept_results_by_run ON kept_results (run_id);

-- The hot table: only what can still act.
CREATE TABLE open_steps (
    run_id TEXT NOT NULL,
    step TEXT NOT NULL,
    namespace TEXT NOT NULL,
    workflow TEXT NOT NULL,
    route TEXT NOT NULL,
    state TEXT NOT NULL,
    queued_at INTEGER NOT NULL,
    since_at INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    losses INTEGER NOT NULL,
    token TEXT,
    worker_id TEXT,
    due_at INTEGER,
    start_to_close INTEGER,
    PRIMARY KEY (run_id, step)
) STRICT, WITHOUT ROWID;

-- In the order of claiming, so that a claim reads the rows it takes and no other. With the workflow, so that the
-- depths of the queues are read from here alone.
CREATE INDEX open_steps_ready ON open_steps (namespace, route, priority DESC, queued_at, run_id, step, workflow)
    WHERE state = 'ready';
CREATE INDEX open_steps_due ON open_steps (due_at, run_id, step) WHERE due_at IS NOT NULL;

CREATE TABLE attempts (
    run_id TEXT NOT NULL,
    step TEXT NOT NULL,
    number INTEGER NOT NULL,
    namespace TEXT NOT NULL,
    outcome TEXT NOT NULL,
    queued_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER NOT NULL,
    version TEXT NOT NULL,
    worker_id TEXT,
    error TEXT,                     -- JSON; NULL: none
    fingerprint TEXT,
    readings TEXT,                  -- JSON array; NULL: none
    output BLOB,
    PRIMARY KEY (run_id, step, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX attempts_after_the_first ON attempts (run_id, number) WHERE number > 1;

CREATE TABLE run_events (
    seq INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL,
    namespace TEXT NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    step TEXT,
    attempt INTEGER,
    actor TEXT,
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX run_events_by_run ON run_events (run_id, at, seq);

-- AUTOINCREMENT: a position is never given out twice, or who follows the log would miss lines after a pruning.
CREATE TABLE logs (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL,
    step TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    namespace TEXT NOT NULL,
    at INTEGER NOT NULL,
    level INTEGER NOT NULL,
    logger TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;

CREATE INDEX logs_by_run ON logs (run_id, position);

CREATE TABLE idempotency_keys (
    namespace TEXT NOT NULL,
    key TEXT NOT NULL,
    run_id TEXT NOT NULL,
    content TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_run ON idempotency_keys (run_id);

CREATE TABLE bulks (
    id TEXT NOT NULL PRIMARY KEY,
    namespace TEXT NOT NULL,
    state TEXT NOT NULL,
    record TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE bulk_items (
    bulk_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    namespace TEXT NOT NULL,
    source_id TEXT NOT NULL,
    state TEXT NOT NULL,
    run_id TEXT,
    problem TEXT,
    PRIMARY KEY (bulk_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX bulk_items_by_state ON bulk_items (bulk_id, state, position);
CREATE INDEX bulk_items_by_source ON bulk_items (source_id, bulk_id);

CREATE TABLE group_notes (
    namespace TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (namespace, fingerprint)
) STRICT, WITHOUT ROWID;

CREATE TABLE documents (
    namespace TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (namespace, kind, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE variables (
    namespace TEXT NOT NULL,
    workflow TEXT NOT NULL,
    step TEXT NOT NULL,
    name TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (namespace, workflow, step, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE workers (
    id TEXT NOT NULL PRIMARY KEY,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    lease_until_at INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    namespace TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT, WITHOUT ROWID;
