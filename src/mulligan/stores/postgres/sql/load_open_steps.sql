SELECT
    run_id, step, namespace, workflow, route, state, queued_at, since_at, priority, attempt, failures, losses, token,
    worker_id, due_at, start_to_close
FROM open_steps
WHERE run_id = ANY (texts(:ids))
ORDER BY run_id, step
