-- Read row by row in the order of the index; who claims stops after the last row that it takes.
SELECT
    run_id, step, namespace, workflow, route, state, queued_at, since_at, priority, attempt, failures, losses, token,
    worker_id, due_at, start_to_close
FROM open_steps
WHERE namespace = :namespace AND route = :route AND state = 'ready'
ORDER BY priority DESC, queued_at, run_id, step
