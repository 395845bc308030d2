SELECT record
FROM bulks
WHERE (:namespace IS NULL OR namespace = :namespace)
    AND (:states = '[]' OR state IN (SELECT value FROM json_each(:states)))
ORDER BY id DESC
LIMIT :limit
