SELECT record
FROM group_notes
WHERE namespace = :namespace AND fingerprint IN (SELECT value FROM json_each(:fingerprints))
