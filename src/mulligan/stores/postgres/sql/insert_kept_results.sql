INSERT INTO kept_results (kept_run_id, run_id, namespace)
SELECT * FROM unnest(texts(:kept_run_id), texts(:run_id), texts(:namespace))
