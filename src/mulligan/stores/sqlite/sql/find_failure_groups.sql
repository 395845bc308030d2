-- Read from the index alone.
SELECT
    fingerprint, count(*), min(finished_at), max(finished_at), max(id), json_group_array(DISTINCT version)
FROM runs INDEXED BY runs_by_fingerprint
WHERE fingerprint IS NOT NULL
    AND (:fingerprint IS NULL OR fingerprint = :fingerprint)
    AND namespace = :namespace
    AND status = 'failed'
    AND (:since IS NULL OR created_at >= :since)
GROUP BY fingerprint
ORDER BY 2 DESC, 4 DESC, 1
LIMIT :limit
