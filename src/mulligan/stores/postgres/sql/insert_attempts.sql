INSERT INTO attempts (
    run_id, step, number, namespace, outcome, queued_at, started_at, finished_at, version, worker_id, error,
    fingerprint, readings, output
)
SELECT *
FROM unnest(
    :run_id::text[], :step::text[], :number::integer[], :namespace::text[], :outcome::text[],
    :queued_at::timestamptz[], :started_at::timestamptz[], :finished_at::timestamptz[], :version::text[],
    :worker_id::text[], :error::text[], :fingerprint::text[], :readings::text[], :output::bytea[]
)
