-- For each failure group how many of its runs were replayed, and how many of those by a replay that succeeded.
SELECT source.fingerprint, count(DISTINCT source.id), count(DISTINCT iif(again.status = 'succeeded', source.id, NULL))
FROM runs AS source INDEXED BY runs_by_fingerprint
CROSS JOIN runs AS again
WHERE source.fingerprint IN (SELECT value FROM json_each(:fingerprints))
    AND source.namespace = :namespace
    AND source.status = 'failed'
    AND (:since IS NULL OR source.created_at >= :since)
    AND again.source_id = source.id
GROUP BY source.fingerprint
