SELECT record
FROM documents
WHERE (namespace, kind, key) IN (SELECT * FROM unnest(texts(:namespace), texts(:kind), texts(:key)))
    AND namespace = ANY (texts(:namespace))
    AND kind = ANY (texts(:kind))
    AND key = ANY (texts(:key))
