-- Nothing else of a run ever changes. By `ANY`, too, so that the table is read by its key whatever size the planner
-- takes it for.
UPDATE runs
SET status = ended.status,
    finished_at = ended.finished_at,
    failed_step = ended.failed_step,
    error_type = ended.error_type,
    error_message = ended.error_message,
    fingerprint = ended.fingerprint
FROM unnest(
    texts(:status), :finished_at::timestamptz[], texts(:failed_step), texts(:error_type), texts(:error_message),
    texts(:fingerprint), texts(:id), texts(:namespace)
) AS ended (status, finished_at, failed_step, error_type, error_message, fingerprint, id, namespace)
WHERE runs.id = ended.id
    AND runs.namespace = ended.namespace
    AND runs.id = ANY (texts(:id))
    AND runs.id BETWEEN :least_id AND :greatest_id
