DELETE FROM logs WHERE run_id = ANY (:ids::text[])
