INSERT INTO idempotency_keys (namespace, key, run_id, content, created_at)
VALUES (:namespace, :key, :run_id, :content, :created_at)
