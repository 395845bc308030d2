DELETE FROM attempts WHERE run_id = ANY (:ids::text[])
