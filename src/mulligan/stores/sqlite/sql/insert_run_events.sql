INSERT INTO run_events (run_id, namespace, at, kind, step, attempt, actor, detail)
VALUES (:run_id, :namespace, :at, :kind, :step, :attempt, :actor, :detail)
