-- Without its Z, a moment sorts before those that are a part of a second later.
SELECT key
FROM documents
WHERE namespace = :namespace AND kind = :kind
ORDER BY rtrim(record ->> 'at', 'Z'), key
LIMIT 1
