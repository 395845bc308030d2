-- A scan: workers come and go seldom, and an index on them would be written twice for every attempt.
SELECT
    run_id, step, namespace, workflow, route, state, queued_at, since_at, priority, attempt, failures, losses, token,
    worker_id, due_at, start_to_close
FROM open_steps
WHERE state = 'leased' AND worker_id = ANY (:worker_ids::text[])
ORDER BY run_id, step
