SELECT record
FROM documents
WHERE (namespace, kind, key) IN (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(:keys))
