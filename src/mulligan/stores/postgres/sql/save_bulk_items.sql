INSERT INTO bulk_items (bulk_id, position, namespace, source_id, state, run_id, problem)
SELECT *
FROM unnest(
    texts(:bulk_id), :position::integer[], texts(:namespace), texts(:source_id), texts(:state), texts(:run_id),
    texts(:problem)
)
ON CONFLICT (bulk_id, position) DO UPDATE
SET state = excluded.state, run_id = excluded.run_id, problem = excluded.problem
