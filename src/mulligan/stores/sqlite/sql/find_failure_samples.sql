SELECT id
FROM runs
WHERE fingerprint = :fingerprint
    AND namespace = :namespace
    AND status = 'failed'
    AND (:since IS NULL OR created_at >= :since)
ORDER BY id DESC
LIMIT 5
