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
    :id::text[], :namespace::text[], :workflow::text[], :version::text[], :created_at::timestamptz[],
    :family_id::text[], :key_scope::text[], :status::text[], :pinned::boolean[], :priority::integer[],
    :available_at::timestamptz[], :finished_at::timestamptz[], :metadata::text[], :idempotency_key::text[],
    :overrides::text[], :source_id::text[], :generation::integer[], :parent_id::text[], :parent_step::text[],
    :bulk_id::text[], :failed_step::text[], :error_type::text[], :error_message::text[], :fingerprint::text[],
    :input::bytea[]
) AS given (
    id, namespace, workflow, version, created_at, family_id, key_scope, status, pinned, priority, available_at,
    finished_at, metadata, idempotency_key, overrides, source_id, generation, parent_id, parent_step, bulk_id,
    failed_step, error_type, error_message, fingerprint, input
)
