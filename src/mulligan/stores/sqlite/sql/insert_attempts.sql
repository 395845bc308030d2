INSERT INTO attempts (
    run_id, step, number, namespace, outcome, queued_at, started_at, finished_at, version, worker_id, error,
    fingerprint, readings, output
) VALUES (
    :run_id, :step, :number, :namespace, :outcome, :queued_at, :started_at, :finished_at, :version, :worker_id, :error,
    :fingerprint, :readings, :output
)
