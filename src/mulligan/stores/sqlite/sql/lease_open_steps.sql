UPDATE open_steps
SET state = :state, since_at = :since_at, attempt = :attempt, token = :token, worker_id = :worker_id, due_at = :due_at
WHERE run_id = :run_id AND step = :step AND namespace = :namespace
