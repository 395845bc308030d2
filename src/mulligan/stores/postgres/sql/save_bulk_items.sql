INSERT INTO bulk_items (bulk_id, position, namespace, source_id, state, run_id, problem)
SELECT *
FROM unnest(
    :bulk_id::text[], :position::integer[], :namespace::text[], :source_id::text[], :state::text[], :run_id::text[],
    :problem::text[]
)
ON CONFLICT (bulk_id, position) DO UPDATE
SET state = excluded.state, run_id = excluded.run_id, problem = excluded.problem
