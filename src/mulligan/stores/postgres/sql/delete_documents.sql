DELETE FROM documents
USING unnest(texts(:namespace), texts(:kind), texts(:key)) AS dropped (namespace, kind, key)
WHERE documents.namespace = dropped.namespace
    AND documents.kind = dropped.kind
    AND documents.key = dropped.key
    AND documents.namespace = ANY (texts(:namespace))
    AND documents.kind = ANY (texts(:kind))
    AND documents.key = ANY (texts(:key))
