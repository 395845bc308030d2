INSERT INTO idempotency_keys (namespace, key, run_id, content, created_at)
SELECT *
FROM unnest(texts(:namespace), texts(:key), texts(:run_id), texts(:content), :created_at::timestamptz[])
