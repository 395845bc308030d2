INSERT INTO logs (run_id, step, attempt, namespace, at, level, logger, message)
VALUES (:run_id, :step, :attempt, :namespace, :at, :level, :logger, :message)
