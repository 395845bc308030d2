DELETE FROM run_events WHERE run_id IN (SELECT value FROM json_each(:ids))
