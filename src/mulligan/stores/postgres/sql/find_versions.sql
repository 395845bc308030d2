SELECT namespace, workflow, number, digest, registered_at, definition
FROM versions
WHERE namespace = :namespace AND workflow = :workflow
ORDER BY number DESC
