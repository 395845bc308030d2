DELETE FROM kept_results WHERE run_id IN (SELECT value FROM json_each(:ids))
