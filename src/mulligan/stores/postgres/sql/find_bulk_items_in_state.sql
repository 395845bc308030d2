SELECT bulk_id, namespace, position, source_id, state, run_id, problem
FROM bulk_items
WHERE bulk_id = :bulk_id
    AND namespace = :namespace
    AND state = :state
    AND position > :after
ORDER BY position
LIMIT :limit
