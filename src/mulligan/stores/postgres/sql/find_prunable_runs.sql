-- In the order of an index, so that the search ends with the last row that it needs; what has finished before an
-- instant was created before it. Spans that will be dropped as a whole are not looked into.
SELECT id
FROM runs
WHERE (id < :spans_from OR id >= :spans_to)
    AND created_at < :before
    AND finished_at < :before
    AND status <> 'running'
    AND NOT EXISTS (SELECT 1 FROM kept_results WHERE kept_run_id = runs.id)
ORDER BY created_at, id
LIMIT :limit
