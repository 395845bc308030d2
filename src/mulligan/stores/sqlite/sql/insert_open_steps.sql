INSERT INTO open_steps (
    run_id, step, namespace, workflow, route, state, queued_at, since_at, priority, attempt, failures, losses, token,
    worker_id, due_at, start_to_close
) VALUES (
    :run_id, :step, :namespace, :workflow, :route, :state, :queued_at, :since_at, :priority, :attempt, :failures,
    :losses, :token, :worker_id, :due_at, :start_to_close
)
