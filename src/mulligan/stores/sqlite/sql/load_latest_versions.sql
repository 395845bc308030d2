-- The latest of each workflow, all workflows of the namespace when :workflow is NULL.
SELECT namespace, workflow, max(number), digest, registered_at, definition
FROM versions
WHERE namespace = :namespace AND (:workflow IS NULL OR workflow = :workflow)
GROUP BY namespace, workflow
ORDER BY workflow
