SELECT fingerprint, (created_at - :since) / :width, count(*)
FROM runs INDEXED BY runs_by_fingerprint
WHERE fingerprint IN (SELECT value FROM json_each(:fingerprints))
    AND namespace = :namespace
    AND status = 'failed'
    AND created_at >= :since
GROUP BY 1, 2
ORDER BY 1, 2
