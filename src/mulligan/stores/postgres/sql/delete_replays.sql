DELETE FROM replays WHERE run_id = ANY (:ids::text[])
