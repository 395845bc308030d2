SELECT id
FROM runs
WHERE id IN (SELECT value FROM json_each(:ids))
    AND NOT EXISTS (SELECT 1 FROM kept_results WHERE kept_run_id = runs.id)
