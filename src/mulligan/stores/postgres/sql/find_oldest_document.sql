-- Without its Z, a moment sorts before those that are a part of a second later. JSON operators would refuse a record that
-- holds a NUL. Quotes within a value are escaped, so that only the member itself is found.
SELECT key
FROM documents
WHERE namespace = :namespace AND kind = :kind
ORDER BY substring(record FROM '"at":"([^"]*)Z"') COLLATE "C", key
LIMIT 1
