UPDATE open_steps
SET route = :route,
    state = :state,
    queued_at = :queued_at,
    since_at = :since_at,
    priority = :priority,
    attempt = :attempt,
    failures = :failures,
    losses = :losses,
    token = :token,
    worker_id = :worker_id,
    due_at = :due_at,
    start_to_close = :start_to_close
WHERE run_id = :run_id AND step = :step AND namespace = :namespace
