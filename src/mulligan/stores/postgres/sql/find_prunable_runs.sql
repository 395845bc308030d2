-- A run that has finished before an instant was created before it: that index bounds the search.
SELECT id
FROM runs
WHERE created_at < :before::timestamptz
    AND finished_at < :before::timestamptz
    AND status <> 'running'
    AND NOT EXISTS (SELECT 1 FROM kept_results WHERE kept_run_id = runs.id)
ORDER BY finished_at, id
LIMIT :limit::bigint
