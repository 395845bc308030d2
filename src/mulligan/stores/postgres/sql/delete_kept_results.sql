DELETE FROM kept_results WHERE run_id = ANY (:ids::text[])
