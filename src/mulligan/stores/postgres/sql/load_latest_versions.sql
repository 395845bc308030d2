-- The latest of each workflow, all workflows of the namespace when :workflows is NULL.
SELECT DISTINCT ON (namespace, workflow) namespace, workflow, digest
FROM versions
WHERE namespace = :namespace AND (:workflows::text[] IS NULL OR workflow = ANY (:workflows::text[]))
ORDER BY namespace, workflow, number DESC
