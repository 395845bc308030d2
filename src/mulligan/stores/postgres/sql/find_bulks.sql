-- Without its Z, a moment sorts before those that are a part of a second later. The operator ->> would read the escapes of
-- all other members, too, and refuse a NUL.
SELECT record
FROM bulks
WHERE namespace = :namespace
ORDER BY rtrim((record::json -> 'created_at')::text, 'Z"') COLLATE "C" DESC, id DESC
LIMIT :limit
