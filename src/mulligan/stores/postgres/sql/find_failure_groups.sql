-- Read from the index alone.
SELECT fingerprint, count(*), min(failed_at), max(failed_at), max(id), array_agg(DISTINCT version)
FROM runs
WHERE fingerprint IS NOT NULL
    AND (:fingerprint::text IS NULL OR fingerprint = :fingerprint::text)
    AND namespace = :namespace
    AND trouble = 'failed'
    AND (:since::timestamptz IS NULL OR created_at >= :since::timestamptz)
GROUP BY fingerprint
ORDER BY 2 DESC, 4 DESC, 1
LIMIT :limit
