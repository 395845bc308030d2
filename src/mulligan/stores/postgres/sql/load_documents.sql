SELECT record
FROM documents
WHERE (namespace, kind, key) IN (SELECT * FROM unnest(:namespace::text[], :kind::text[], :key::text[]))
