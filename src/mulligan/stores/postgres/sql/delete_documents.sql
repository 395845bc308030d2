DELETE FROM documents
USING unnest(:namespace::text[], :kind::text[], :key::text[]) AS dropped (namespace, kind, key)
WHERE documents.namespace = dropped.namespace AND documents.kind = dropped.kind AND documents.key = dropped.key
