SELECT namespace, workflow, digest
FROM versions
WHERE namespace = :namespace
    AND workflow = :workflow
    AND (:wanted IS NULL OR digest = :wanted OR CAST(number AS TEXT) = :wanted)
ORDER BY number DESC
LIMIT 1
