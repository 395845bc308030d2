SELECT id, coalesce(input, (SELECT payload FROM large_inputs WHERE run_id = runs.id))
FROM runs
WHERE id IN (SELECT value FROM json_each(:ids))
