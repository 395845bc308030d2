-- Within a transaction of the cycle, however many steps wait or sleep. In no order: for it, another index would be read.
SELECT
    run_id, step, namespace, workflow, route, state, queued_at, since_at, priority, attempt, failures, losses, token,
    worker_id, due_at, start_to_close
FROM open_steps
WHERE state = 'leased' AND worker_id = ANY (:worker_ids::text[])
