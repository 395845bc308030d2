INSERT INTO attempts (
    run_id, step, number, namespace, outcome, queued_at, started_at, finished_at, version, worker_id, error,
    fingerprint, readings, output
)
SELECT *
FROM unnest(
    texts(:run_id), texts(:step), :number::integer[], texts(:namespace), texts(:outcome),
    :queued_at::timestamptz[], :started_at::timestamptz[], :finished_at::timestamptz[], texts(:version),
    texts(:worker_id), texts(:error), texts(:fingerprint), texts(:readings), :output::bytea[]
)
