INSERT INTO bulk_items (bulk_id, position, namespace, source_id, state, run_id, problem)
VALUES (:bulk_id, :position, :namespace, :source_id, :state, :run_id, :problem)
ON CONFLICT (bulk_id, position) DO UPDATE
SET state = excluded.state, run_id = excluded.run_id, problem = excluded.problem
