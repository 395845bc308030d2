INSERT INTO documents (namespace, kind, key, record)
SELECT * FROM unnest(texts(:namespace), texts(:kind), texts(:key), texts(:record))
ON CONFLICT (namespace, kind, key) DO UPDATE SET record = excluded.record
