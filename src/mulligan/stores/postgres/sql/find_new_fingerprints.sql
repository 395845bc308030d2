-- Of the failed replays those fingerprints that no source run has. A new one is rare, so its runs are asked whether
-- they were a source, and not all sources for their fingerprints.
SELECT failed.fingerprint
FROM (
    SELECT DISTINCT fingerprint
    FROM runs
    WHERE bulk_id = :bulk_id AND trouble = 'failed' AND fingerprint IS NOT NULL
) AS failed
WHERE NOT EXISTS (
    SELECT 1
    FROM runs AS source
    JOIN bulk_items AS item ON item.source_id = source.id
    WHERE source.fingerprint = failed.fingerprint AND item.bulk_id = :bulk_id
)
ORDER BY failed.fingerprint
