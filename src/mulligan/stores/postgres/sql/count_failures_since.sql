-- For each note the runs of its group that have failed since. Read from the index alone.
SELECT run.fingerprint, count(*)
FROM unnest(:fingerprints::text[], :since::timestamptz[]) AS note (fingerprint, at)
JOIN runs AS run ON run.fingerprint = note.fingerprint
WHERE run.namespace = :namespace AND run.trouble = 'failed' AND run.failed_at > note.at
GROUP BY run.fingerprint
