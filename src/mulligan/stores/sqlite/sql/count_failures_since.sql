-- For each note the runs of its group that have failed since. Read from the index alone.
SELECT run.fingerprint, count(*)
FROM json_each(:notes) AS note
CROSS JOIN runs AS run INDEXED BY runs_by_fingerprint
WHERE run.fingerprint = note.value ->> 0
    AND run.namespace = :namespace
    AND run.status = 'failed'
    AND run.finished_at > note.value ->> 1
GROUP BY run.fingerprint
