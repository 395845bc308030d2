-- In the order of an index, so that the search ends with the last row that it needs; what has finished before an
-- instant was created before it.
SELECT id
FROM runs
WHERE created_at < :before
    AND finished_at < :before
    AND status <> 'running'
    AND NOT EXISTS (SELECT 1 FROM kept_results WHERE kept_run_id = runs.id)
ORDER BY created_at, id
LIMIT :limit
