SELECT
    id, namespace, workflow, version, created_at, family_id, key_scope, status, pinned, priority, available_at,
    finished_at, metadata, idempotency_key, overrides, source_id, generation, parent_id, parent_step, bulk_id,
    failed_step, error_type, error_message, fingerprint
FROM runs
WHERE id = ANY (texts(:ids)) AND id BETWEEN :least_ids AND :greatest_ids
ORDER BY id
