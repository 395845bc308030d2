SELECT id
FROM runs INDEXED BY runs_by_fingerprint
WHERE fingerprint = :fingerprint
    AND namespace = :namespace
    AND status = 'failed'
    AND (:since IS NULL OR created_at >= :since)
ORDER BY id DESC
LIMIT 5
