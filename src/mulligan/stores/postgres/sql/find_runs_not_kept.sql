SELECT id
FROM runs
WHERE id = ANY (:ids::text[])
    AND NOT EXISTS (SELECT 1 FROM kept_results WHERE kept_run_id = runs.id)
