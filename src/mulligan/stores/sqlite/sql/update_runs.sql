-- Nothing else of a run ever changes. A column that is named here costs the upkeep of its indexes.
UPDATE runs
SET status = :status,
    finished_at = :finished_at,
    failed_step = :failed_step,
    error_type = :error_type,
    error_message = :error_message,
    fingerprint = :fingerprint
WHERE id = :id AND namespace = :namespace
