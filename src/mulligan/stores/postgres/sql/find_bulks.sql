-- Without its Z, a moment sorts before those that are a part of a second later. JSON operators would refuse a record that
-- holds a NUL. Quotes within a value are escaped, so that only the member itself is found.
SELECT record
FROM bulks
WHERE namespace = :namespace
ORDER BY substring(record FROM '"created_at":"([^"]*)Z"') COLLATE "C" DESC, id DESC
LIMIT :limit
