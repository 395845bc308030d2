SELECT position, run_id, step, attempt, namespace, at, level, logger, message
FROM logs
WHERE run_id = :run_id
    AND namespace = :namespace
    AND position > :after
    AND (:step IS NULL OR step = :step)
    AND (:attempt IS NULL OR attempt = :attempt)
ORDER BY position
LIMIT :limit
