SELECT
    run_id, step, number, namespace, outcome, queued_at, started_at, finished_at, version, worker_id, error,
    fingerprint, readings
FROM attempts
WHERE run_id = :run_id AND namespace = :namespace
ORDER BY finished_at, step, number
