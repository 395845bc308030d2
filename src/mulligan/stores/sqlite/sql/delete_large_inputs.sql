DELETE FROM large_inputs WHERE run_id IN (SELECT value FROM json_each(:ids))
