INSERT INTO documents (namespace, kind, key, record)
VALUES (:namespace, :kind, :key, :record)
ON CONFLICT (namespace, kind, key) DO UPDATE SET record = excluded.record
