SELECT position, run_id, step, attempt, namespace, at, level, logger, message
FROM logs
WHERE run_id = :run_id
    AND namespace = :namespace
    AND position > :after
    AND (:step::text IS NULL OR step = :step::text)
    AND (:attempt::integer IS NULL OR attempt = :attempt::integer)
ORDER BY position
LIMIT :limit
