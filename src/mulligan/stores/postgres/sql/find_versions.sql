-- Which there are. Their definitions are read by load_versions, those that were not read before.
SELECT namespace, workflow, digest
FROM versions
WHERE namespace = :namespace AND workflow = :workflow
ORDER BY number DESC
