UPDATE open_steps
SET route = changed.route,
    state = changed.state,
    queued_at = changed.queued_at,
    since_at = changed.since_at,
    priority = coalesce(changed.priority, 0),
    attempt = coalesce(changed.attempt, 0),
    failures = coalesce(changed.failures, 0),
    losses = coalesce(changed.losses, 0),
    token = changed.token,
    worker_id = changed.worker_id,
    due_at = changed.due_at,
    start_to_close = changed.start_to_close
FROM unnest(
    texts(:route), texts(:state), :queued_at::timestamptz[], :since_at::timestamptz[], :priority::integer[],
    :attempt::integer[], :failures::integer[], :losses::integer[], texts(:token), texts(:worker_id),
    :due_at::timestamptz[], :start_to_close::interval[], texts(:run_id), texts(:step), texts(:namespace)
) AS changed (
    route, state, queued_at, since_at, priority, attempt, failures, losses, token, worker_id, due_at, start_to_close,
    run_id, step, namespace
)
WHERE open_steps.run_id = changed.run_id
    AND open_steps.step = changed.step
    AND open_steps.namespace = changed.namespace
    AND open_steps.run_id = ANY (texts(:run_id))
