-- Without its Z, a moment sorts before those that are a part of a second later.
SELECT record
FROM bulks
WHERE namespace = :namespace
ORDER BY rtrim(record ->> 'created_at', 'Z') DESC, id DESC
LIMIT :limit
