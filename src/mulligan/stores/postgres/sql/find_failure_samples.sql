SELECT id
FROM runs
WHERE fingerprint = :fingerprint
    AND namespace = :namespace
    AND trouble = 'failed'
    AND (:since::timestamptz IS NULL OR created_at >= :since::timestamptz)
ORDER BY id DESC
LIMIT 5
