INSERT INTO open_steps (
    run_id, step, namespace, workflow, route, state, queued_at, since_at, priority, attempt, failures, losses, token,
    worker_id, due_at, start_to_close
)
SELECT
    run_id, step, namespace, workflow, route, state, queued_at, since_at, coalesce(priority, 0), coalesce(attempt, 0),
    coalesce(failures, 0), coalesce(losses, 0), token, worker_id, due_at, start_to_close
FROM unnest(
    texts(:run_id), texts(:step), texts(:namespace), texts(:workflow), texts(:route), texts(:state),
    :queued_at::timestamptz[], :since_at::timestamptz[], :priority::integer[], :attempt::integer[],
    :failures::integer[], :losses::integer[], texts(:token), texts(:worker_id), :due_at::timestamptz[],
    :start_to_close::interval[]
) AS given (
    run_id, step, namespace, workflow, route, state, queued_at, since_at, priority, attempt, failures, losses, token,
    worker_id, due_at, start_to_close
)
