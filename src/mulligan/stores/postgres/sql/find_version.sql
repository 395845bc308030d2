SELECT namespace, workflow, digest
FROM versions
WHERE namespace = :namespace
    AND workflow = :workflow
    AND (:wanted::text IS NULL OR digest = :wanted::text OR number::text = :wanted::text)
ORDER BY number DESC
LIMIT 1
