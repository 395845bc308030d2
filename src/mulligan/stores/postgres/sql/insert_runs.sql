-- NULL stands for what is nearly always so: a column of nothing else is not even sent.
INSERT INTO runs (
    id, namespace, workflow, version, created_at, family_id, key_scope, status, pinned, priority, available_at,
    finished_at, metadata, idempotency_key, overrides, source_id, generation, parent_id, parent_step, bulk_id,
    failed_step, error_type, error_message, fingerprint, input
)
SELECT
    id, namespace, workflow, version, created_at, family_id, key_scope, coalesce(status, 'running'),
    coalesce(pinned, false), coalesce(priority, 0), available_at, finished_at, string_to_array(metadata, E'\ufdd0\ufdd4'),
    idempotency_key, overrides, source_id, coalesce(generation, 0), parent_id, parent_step, bulk_id, failed_step,
    error_type, error_message, fingerprint, input
FROM unnest(
    texts(:id), texts(:namespace), texts(:workflow), texts(:version), :created_at::timestamptz[],
    texts(:family_id), texts(:key_scope), texts(:status), :pinned::boolean[], :priority::integer[],
    :available_at::timestamptz[], :finished_at::timestamptz[], texts(:metadata), texts(:idempotency_key),
    texts(:overrides), texts(:source_id), :generation::integer[], texts(:parent_id), texts(:parent_step),
    texts(:bulk_id), texts(:failed_step), texts(:error_type), texts(:error_message), texts(:fingerprint),
    :input::bytea[]
) AS given (
    id, namespace, workflow, version, created_at, family_id, key_scope, status, pinned, priority, available_at,
    finished_at, metadata, idempotency_key, overrides, source_id, generation, parent_id, parent_step, bulk_id,
    failed_step, error_type, error_message, fingerprint, input
)
