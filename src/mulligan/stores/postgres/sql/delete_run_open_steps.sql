DELETE FROM open_steps WHERE run_id = ANY (:ids::text[])
