-- `pristine`: nothing of what can change in a run has changed yet.
SELECT
    id,
    status = 'running'
        AND finished_at IS NULL
        AND failed_step IS NULL
        AND error_type IS NULL
        AND error_message IS NULL
        AND fingerprint IS NULL AS pristine
FROM runs
WHERE id = ANY (texts(:ids)) AND id BETWEEN :least_ids AND :greatest_ids
ORDER BY id
FOR UPDATE
