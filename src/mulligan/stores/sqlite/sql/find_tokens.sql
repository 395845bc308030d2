SELECT record
FROM tokens
WHERE :namespace IS NULL OR namespace = :namespace
ORDER BY created_at, id
