-- Nothing else of a run ever changes.
UPDATE runs
SET status = ended.status,
    finished_at = ended.finished_at,
    failed_step = ended.failed_step,
    error_type = ended.error_type,
    error_message = ended.error_message,
    fingerprint = ended.fingerprint
FROM unnest(
    :status::text[], :finished_at::timestamptz[], :failed_step::text[], :error_type::text[], :error_message::text[],
    :fingerprint::text[], :id::text[], :namespace::text[]
) AS ended (status, finished_at, failed_step, error_type, error_message, fingerprint, id, namespace)
WHERE runs.id = ended.id AND runs.namespace = ended.namespace
