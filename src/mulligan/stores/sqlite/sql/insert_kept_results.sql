INSERT INTO kept_results (kept_run_id, run_id, namespace) VALUES (:kept_run_id, :run_id, :namespace)
