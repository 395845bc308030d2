SELECT record
FROM tokens
WHERE :namespace::text IS NULL OR namespace = :namespace::text
ORDER BY created_at, id
