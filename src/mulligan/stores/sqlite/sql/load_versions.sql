SELECT namespace, workflow, number, digest, registered_at, definition
FROM versions
WHERE (namespace, workflow, digest) IN (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(:digests))
