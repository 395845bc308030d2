INSERT INTO kept_results (kept_run_id, run_id, namespace)
SELECT * FROM unnest(:kept_run_id::text[], :run_id::text[], :namespace::text[])
