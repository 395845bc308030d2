SELECT fingerprint, floor(extract(epoch FROM created_at - :since::timestamptz) / :width::bigint)::bigint, count(*)
FROM runs
WHERE fingerprint = ANY (:fingerprints::text[])
    AND namespace = :namespace
    AND trouble = 'failed'
    AND created_at >= :since::timestamptz
GROUP BY 1, 2
ORDER BY 1, 2
