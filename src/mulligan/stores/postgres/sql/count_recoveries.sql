-- For each failure group how many of its runs were replayed, and how many of those by a replay that succeeded.
SELECT
    source.fingerprint,
    count(DISTINCT source.id),
    count(DISTINCT source.id) FILTER (WHERE again.status = 'succeeded')
FROM runs AS source
JOIN runs AS again ON again.source_id = source.id
WHERE source.fingerprint = ANY (:fingerprints::text[])
    AND source.namespace = :namespace
    AND source.trouble = 'failed'
    AND (:since::timestamptz IS NULL OR source.created_at >= :since::timestamptz)
GROUP BY source.fingerprint
