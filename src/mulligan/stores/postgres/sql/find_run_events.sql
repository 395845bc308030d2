SELECT run_id, namespace, at, kind, step, attempt, actor, detail
FROM run_events
WHERE run_id = :run_id AND namespace = :namespace
ORDER BY at, seq
