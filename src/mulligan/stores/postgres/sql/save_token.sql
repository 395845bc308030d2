INSERT INTO tokens (id, namespace, created_at, record)
VALUES (:id, :namespace, :created_at, :record)
ON CONFLICT (id) DO UPDATE SET record = excluded.record
